#include "peerpulse/netlink/table_claim.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace peerpulse::netlink {

namespace {

Result<Fd> bindAbstract(const std::string& name) {
  const std::string path = "peerpulse/table/" + name;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() + 1 > sizeof address.sun_path) return systemError("claim of table " + name, ENAMETOOLONG);
  std::memcpy(&address.sun_path[1], path.data(), path.size());  // after a zero: abstract
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return systemError("socket", errno);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + path.size());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    return systemError("claim of table " + name, errno);
  }
  return fd;
}

}  // namespace

Result<TableClaim> TableClaim::take(const std::string& base) {
  for (int i = 1;; ++i) {
    const std::string name = i == 1 ? base : base + "_" + std::to_string(i);
    auto bound = bindAbstract(name);
    if (bound) return TableClaim(std::move(*bound), name);
    if (bound.error().code != EADDRINUSE || i == kMostOfOneName) return bound.error();
  }
}

}  // namespace peerpulse::netlink
