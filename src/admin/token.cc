#include "peerpulse/admin/token.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "peerpulse/base/fd.h"

namespace peerpulse::admin {

Result<std::string> readToken(const std::string& path) {
  // A FIFO without a writer must not hang the start.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd.valid()) return systemError(path, errno);
  std::string text(kMostToken + 2, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = ::read(fd.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return systemError(path, errno);
    if (n == 0) break;
    size += static_cast<size_t>(n);
  }
  text.resize(size);
  constexpr const char* kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  text = begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
  if (text.size() < kLeastToken || text.size() > kMostToken) {
    return Error{path + ": a token has " + std::to_string(kLeastToken) + " to " + std::to_string(kMostToken) +
                 " characters"};
  }
  for (const char c : text) {
    if (c <= ' ' || c > '~') return Error{path + ": a token is one word of printable ASCII"};
  }
  return text;
}

}  // namespace peerpulse::admin
