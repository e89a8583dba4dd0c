#include "caller.h"

#include "json_response.h"

namespace peerpulse::admin {

namespace {

// How long it takes tells nothing of where they differ.
bool sameSecret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;  // the length is no secret
  volatile unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i)
    difference = static_cast<unsigned char>(difference |
                                            (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i])));
  return difference == 0;
}

}  // namespace

Caller callerOf(const SocketAddress& remote, const SocketAddress& own, bool metricsOnly) {
  const bool ip = remote.family() == AF_INET || remote.family() == AF_INET6;
  return {remote, metricsOnly, ip && remote.withPort(0) == own.withPort(0)};
}

bool showsToken(const Request& request, std::string_view token) {
  constexpr std::string_view kScheme = "bearer ";
  std::string_view credentials = request.headers.find("authorization");
  if (token.empty() || !http::equalsIgnoreCase(credentials.substr(0, kScheme.size()), kScheme)) return false;
  credentials.remove_prefix(kScheme.size());
  return sameSecret(credentials, token);
}

std::string nameOf(const Caller& caller) {
  if (caller.local()) return "local";
  const std::string address = caller.address.withPort(0).toString();
  return "token " + address.substr(0, address.rfind(':'));
}

Response refuseChange(const Caller& caller, const Request& request, std::string_view token) {
  if (caller.local() || showsToken(request, token)) return {.status = 0};
  if (token.empty()) {
    return errorResponse(
        403, "forbidden",
        "changes are taken from this host only (loopback or a unix socket): admin.token_file would let "
        "others make them, with a token");
  }
  Response response =
      errorResponse(401, "unauthorized",
                    "from other hosts changes need the token of admin.token_file: Authorization: Bearer TOKEN");
  response.headers.emplace_back("www-authenticate", "Bearer realm=\"peerpulse\"");
  return response;
}

}  // namespace peerpulse::admin
