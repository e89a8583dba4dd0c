#include "drain_record.h"

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include "peerpulse/base/fd.h"

namespace peerpulse::server {

namespace {

/// Reads what write() makes, and nothing else.
std::optional<DrainEnd> parse(const char* text) {
  DrainEnd end;
  unsigned left = 0;
  int length = 0;
  // NOLINTNEXTLINE(cert-err34-c): a number that is too large is no record of ours, whatever it is read as
  if (std::sscanf(text, "left_permille %4u cut %19" SCNu64 "%n", &left, &end.cut, &length) != 2) return std::nullopt;
  if (left > 1000 || std::string_view(text).substr(static_cast<size_t>(length)) != "\n") return std::nullopt;
  end.leftPermille = left;
  return end;
}

}  // namespace

Result<void> DrainRecord::write(const DrainEnd& end) const {
  if (path_.empty()) return {};
  std::array<char, 80> text{};
  const int length = std::snprintf(text.data(), text.size(), "left_permille %" PRIu32 " cut %" PRIu64 "\n",
                                   end.leftPermille, end.cut);
  const std::string temporary = path_ + ".new";
  const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644));
  if (!fd.valid()) return systemError(temporary, errno);
  const ssize_t written = ::write(fd.get(), text.data(), static_cast<size_t>(length));
  if (written != length) return systemError(temporary, written < 0 ? errno : ENOSPC);
  if (::rename(temporary.c_str(), path_.c_str()) != 0) return systemError(path_, errno);
  return {};
}

std::optional<DrainEnd> DrainRecord::take() const {
  if (path_.empty()) return std::nullopt;
  const Fd fd(::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat is {};
  if (!fd.valid() || ::fstat(fd.get(), &is) != 0 || !S_ISREG(is.st_mode)) return std::nullopt;
  std::array<char, 80> text{};
  const ssize_t length = ::read(fd.get(), text.data(), text.size() - 1);
  // What cannot be taken away would be told by every process to come.
  if (length <= 0 || ::unlink(path_.c_str()) != 0) return std::nullopt;
  return parse(text.data());
}

std::string drainRecordPath(const std::string& configured, const char* stateDirectory) {
  if (!configured.empty() || stateDirectory == nullptr) return configured;
  const std::string_view all = stateDirectory;
  const std::string first(all.substr(0, all.find(':')));
  return first.starts_with('/') ? first + "/drain" : "";
}

}  // namespace peerpulse::server
