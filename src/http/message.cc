#include "peerpulse/http/message.h"

#include <string_view>

namespace peerpulse::http {

const char* toString(Version version) {
  switch (version) {
    case Version::kHttp10: return "1.0";
    case Version::kHttp11: return "1.1";
    case Version::kHttp2: return "2";
  }
  return "?";
}

bool RequestHead::isGrpc() const {
  constexpr std::string_view kPrefix = "application/grpc";
  const std::string_view type = headers.find("content-type");
  return type.size() >= kPrefix.size() && equalsIgnoreCase(type.substr(0, kPrefix.size()), kPrefix);
}

}  // namespace peerpulse::http
