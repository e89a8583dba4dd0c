#include "whole_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <system_error>
#include <unistd.h>

#include "peerpulse/base/fd.h"

namespace peerpulse::recipe {

namespace {

constexpr size_t kMost = size_t{16} << 20;
constexpr size_t kAttributeRoom = 4096;
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
  return {};
}

Result<void> fill(const Fd& fd, const std::string& path, const std::string& content) {
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return failed("cannot write", path);
  if (auto written = writeAll(fd, path, content); !written) return written;
  // Not after the disk has it: until then whoever reads sees the old end.
  if (::ftruncate(fd.get(), static_cast<off_t>(content.size())) != 0 || ::fsync(fd.get()) != 0)
    return failed("cannot write", path);
  return {};
}

// The old content is gone with the first byte: there is no other way where the name is a mount. So the room is asked for first.
Result<void> writeInPlace(const std::string& path, const std::string& content, const std::string& before) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return failed("cannot open", path);
  const auto size = static_cast<off_t>(content.size());
  if (::fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, 0, size) != 0 && (errno == ENOSPC || errno == EDQUOT))
    return failed("cannot write", path);
  auto written = fill(fd, path, content);
  if (written) return written;
  if (const auto back = fill(fd, path, before); !back)
    return Error{written.error().message + ", nor put back what was there: it is damaged", written.error().code};
  return written;
}

/// What else a file has (ACLs, a label of SELinux), as far as it may be set.
void copyAttributes(const std::string& from, const Fd& to) {
  std::array<char, kAttributeRoom> names{};
  const ssize_t size = ::listxattr(from.c_str(), names.data(), names.size());
  for (ssize_t at = 0; at < size;) {
    const char* name = names.data() + at;
    std::array<char, kAttributeRoom> value{};
    const ssize_t length = ::getxattr(from.c_str(), name, value.data(), value.size());
    if (length >= 0) (void)::fsetxattr(to.get(), name, value.data(), static_cast<size_t>(length), 0);
    at += static_cast<ssize_t>(std::strlen(name)) + 1;
  }
}

Result<void> isUnchanged(const std::string& path, const std::optional<std::string>& before) {
  auto now = readWhole(path);
  if (!now) return now.error();
  if (*now == before) return {};
  return Error{path + " was changed by somebody else meanwhile, and left as it is: try again", EBUSY};
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

Result<void> writeWhole(const std::string& given, const std::string& content,
                        const std::optional<std::string>& before) {
  const std::string path = resolved(given);
  struct stat old {};
  const bool exists = ::stat(path.c_str(), &old) == 0;
  std::string name = path + ".peerpulse-XXXXXX";
  const Fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd.valid()) return failed("cannot write beside", path);
  auto written = writeAll(fd, name, content);
  if (written && ::fsync(fd.get()) != 0) written = failed("cannot write", name);
  if (written && exists && ::fchown(fd.get(), old.st_uid, old.st_gid) != 0)
    written = failed("cannot set the owner of", name);
  if (exists) copyAttributes(path, fd);
  if (written && ::fchmod(fd.get(), exists ? old.st_mode & kModeBits : kNewMode) != 0)
    written = failed("cannot set the mode of", name);
  // As late as can be: what comes between this and the rename is lost.
  if (written) written = isUnchanged(path, before);
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
  if (why == EBUSY || why == EXDEV) return writeInPlace(path, content, before.value_or(""));
  return systemError("cannot replace " + path, why);
}

Result<void> staysWithin(const std::string& root, const std::string& path) {
  if (root.empty()) return {};
  std::error_code error;
  const std::string top = std::filesystem::canonical(root, error).string();
  if (error) return systemError("cannot find " + root, error.value());
  const std::string real = std::filesystem::weakly_canonical(root + path, error).string();
  if (error) return systemError("cannot find " + root + path, error.value());
  if (top == "/" || real.starts_with(top + "/")) return {};
  return Error{root + path + " leads out of " + root + ", to " + real};
}

}  // namespace peerpulse::recipe
