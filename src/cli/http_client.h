// HttpClient: one HTTP/1.1 request over a connection of its own, by the proxy's own codec; waits for the answer.
//
// Threading: one thread. Errors: as StreamSocket; EPROTO when the answer is no HTTP, EMSGSIZE when it is too large.
// Bounds: a body of kMaxBody.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "deadline.h"
#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"
#include "peerpulse/http/header_list.h"

namespace peerpulse::cli {

struct HttpRequest {
  std::string method = "GET";
  std::string path = "/";
  std::string authority;
  http::HeaderList headers;
  std::string body;
};

struct HttpResponse {
  int status = 0;
  http::HeaderList headers;
  std::string body;
};

/// Gets a body piece by piece; false: no more is wanted.
using OnBody = std::function<bool(std::string_view)>;

inline constexpr size_t kMaxBody = size_t{16} * 1024 * 1024;

Result<HttpResponse> httpRequest(const SocketAddress& to, const HttpRequest& request, const Deadline& deadline,
                                 uint32_t mark = 0);

/// A live stream of the admin has a word every 5 s (admin/service.cc): of a host without power no packet tells.
inline constexpr Duration kMostSilence = seconds(16);

struct StreamRules {
  std::string type;                 ///< the media type that a stream has; other answers are none
  Duration silence = kMostSilence;  ///< after which it is given up
};

/// For answers that do not end: until `deadline` for the head, then as long as it takes. What is no stream is returned with its
/// body as by httpRequest().
Result<HttpResponse> httpStream(const SocketAddress& to, const HttpRequest& request, const Deadline& deadline,
                                const StreamRules& rules, const OnBody& onBody);

}  // namespace peerpulse::cli
