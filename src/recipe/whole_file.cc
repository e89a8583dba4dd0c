#include "whole_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>

#include "peerpulse/base/fd.h"

namespace peerpulse::recipe {

namespace {

constexpr size_t kMost = size_t{16} << 20;
constexpr mode_t kNewMode = 0644;
constexpr mode_t kModeBits = 07777;

Error failed(const char* what, const std::string& path) { return systemError(std::string(what) + " " + path, errno); }

Result<void> writeAll(const Fd& fd, const std::string& path, const std::string& content) {
  for (size_t done = 0; done < content.size();) {
    const ssize_t n = ::write(fd.get(), content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("cannot write", path);
    done += static_cast<size_t>(n);
  }
  if (::fsync(fd.get()) != 0) return failed("cannot write", path);
  return {};
}

// The old content is gone with the first byte: there is no other way where the name is a mount.
Result<void> writeInPlace(const std::string& path, const std::string& content) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return failed("cannot open", path);
  if (auto written = writeAll(fd, path, content); !written) return written;
  if (::ftruncate(fd.get(), static_cast<off_t>(content.size())) != 0 || ::fsync(fd.get()) != 0)
    return failed("cannot write", path);
  return {};
}

std::string resolved(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  return real ? std::string(real.get()) : path;
}

void syncFolder(const std::string& path) {
  const size_t slash = path.rfind('/');
  const Fd folder(::open(slash == 0 ? "/" : path.substr(0, slash).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.valid()) (void)::fsync(folder.get());  // it is there; only a power cut could still undo that
}

}  // namespace

Result<std::optional<std::string>> readWhole(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT) return std::optional<std::string>();
    return failed("cannot open", path);
  }
  std::string content;
  std::array<char, 65536> block{};
  for (;;) {
    const ssize_t n = ::read(fd.get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("cannot read", path);
    if (n == 0) return std::optional<std::string>(std::move(content));
    content.append(block.data(), static_cast<size_t>(n));
    if (content.size() > kMost) return Error{"cannot read " + path + ": larger than 16 MiB", EFBIG};
  }
}

Result<void> writeWhole(const std::string& given, const std::string& content) {
  const std::string path = resolved(given);
  struct stat before {};
  const bool exists = ::stat(path.c_str(), &before) == 0;
  std::string name = path + ".peerpulse-XXXXXX";
  const Fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd.valid()) return failed("cannot write beside", path);
  auto written = writeAll(fd, name, content);
  if (written && ::fchmod(fd.get(), exists ? before.st_mode & kModeBits : kNewMode) != 0)
    written = failed("cannot set the mode of", name);
  if (written && exists && ::fchown(fd.get(), before.st_uid, before.st_gid) != 0)
    written = failed("cannot set the owner of", name);
  if (!written) {
    (void)::unlink(name.c_str());
    return written;
  }
  if (std::rename(name.c_str(), path.c_str()) == 0) {
    syncFolder(path);
    return {};
  }
  const int why = errno;
  (void)::unlink(name.c_str());
  if (why == EBUSY || why == EXDEV) return writeInPlace(path, content);
  return systemError("cannot replace " + path, why);
}

}  // namespace peerpulse::recipe
