#include "same_host.h"

#include <string>

namespace peerpulse::cli {

namespace {

std::string hostText(const SocketAddress& address) {
  std::string text = address.toString();
  text = text.substr(0, text.rfind(':'));
  if (text.starts_with("[::ffff:")) text = text.substr(8, text.size() - 9);
  return text;
}

}  // namespace

bool isWildcard(const SocketAddress& address) {
  const std::string text = address.toString();
  return text.starts_with("0.0.0.0:") || text.starts_with("[::]:");
}

bool sameHost(const SocketAddress& a, const SocketAddress& b) {
  return !a.isUnix() && !b.isUnix() && hostText(a) == hostText(b);
}

}  // namespace peerpulse::cli
