#include "same_origin.h"

#include <string>
#include <string_view>

namespace peerpulse::admin {

namespace {

bool isWildcard(const SocketAddress& address) {
  const std::string text = address.toString();
  return text.starts_with("0.0.0.0:") || text.starts_with("[::]:");
}

/// `authority` with our port appended when it names none (a browser leaves out port 80 only, people more).
std::string withPort(std::string_view authority, uint16_t port) {
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  const bool hasPort = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return hasPort ? std::string(authority) : std::string(authority) + ":" + std::to_string(port);
}

bool isOurs(const SocketAddress& listen, std::string_view authority) {
  const std::string full = withPort(authority, listen.port());
  if (http::equalsIgnoreCase(full, "localhost:" + std::to_string(listen.port()))) return true;
  const Result<SocketAddress> address = SocketAddress::parse(full);
  if (!address || address->isUnix() || address->port() != listen.port()) return false;
  return address->isLoopback() || *address == listen || isWildcard(listen);
}

}  // namespace

Result<void> checkSameOrigin(const SocketAddress& listen, const Request& request) {
  if (!listen.isUnix() && !isOurs(listen, request.authority)) {
    return Error{"Host is not this listener: use " + listen.toString()};
  }
  const std::string_view origin = request.headers.find("origin");
  if (origin.data() == nullptr) return {};
  if (!http::equalsIgnoreCase(origin, "http://" + request.authority)) {
    return Error{"Origin is not this listener: requests of other web pages are refused"};
  }
  return {};
}

}  // namespace peerpulse::admin
