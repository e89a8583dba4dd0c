#include "disk_url.h"

#include <algorithm>

namespace peerpulse::erasure_writer {

namespace {

constexpr std::string_view kScheme = "http://";

bool isPathByte(char c) { return c > 0x20 && c < 0x7F && c != '?' && c != '#'; }

}  // namespace

Result<DiskUrl> DiskUrl::parse(std::string_view text) {
  const Error bad{"'" + std::string(text) + "' is not a disk URL (expected http://IP:PORT/path)"};
  if (!text.starts_with(kScheme)) return bad;
  const std::string_view rest = text.substr(kScheme.size());
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return bad;
  DiskUrl url;
  url.authority = rest.substr(0, slash);
  url.path = rest.substr(slash);
  while (url.path.ends_with('/'))
    url.path.pop_back();
  if (url.path.empty() || !std::all_of(url.path.begin(), url.path.end(), isPathByte)) return bad;
  auto address = SocketAddress::parse(url.authority);
  if (!address || address->isUnix() || address->port() == 0) return bad;
  url.address = *address;
  return url;
}

}  // namespace peerpulse::erasure_writer
