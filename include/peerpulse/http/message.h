// The heads of HTTP messages (RFC 9110) as codecs hand them over: framing removed, hop-by-hop fields of the
// codec's own protocol consumed, everything else as it came.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "peerpulse/http/header_list.h"

namespace peerpulse::http {

enum class Version : uint8_t { kHttp10, kHttp11, kHttp2 };

/// "1.0", "1.1" or "2".
const char* toString(Version version);

struct RequestHead {
  std::string method;
  std::string scheme = "http";
  std::string authority;  ///< h1: the Host field (or an absolute-form's authority); never in `headers`
  std::string path;       ///< as received, percent-encoding untouched; "*" for OPTIONS *
  HeaderList headers;     ///< without Host, Transfer-Encoding, Connection and the fields Connection names
  Version version = Version::kHttp11;
  /// The body's length when it was declared; `content-length` is also among `headers`.
  std::optional<uint64_t> contentLength;
  /// The protocol named by `Connection: upgrade` + `Upgrade:` ("websocket"), or by :protocol of an extended CONNECT (RFC 8441:
  /// method CONNECT, version kHttp2); empty otherwise. Either is answered by a 101, which h2 has as 200. What h2 cannot ask for (a
  /// list of protocols, a request with a body, a peer without RFC 8441) it sends as the request without the upgrade.
  std::string upgrade;
  /// h1 only: after the end of its body the peer may ask for another one, by a further 100 (Continue): Swift's PUT in two
  /// phases (X-Backend-Obj-Multiphase-Commit), which no RFC knows. Without that 100 it is a request like any other.
  bool secondBody = false;
  /// Nothing follows the head: no body, no trailers. Sending it with `end` keeps gRPC's trailers-only form.
  bool complete = false;

  bool isGrpc() const;
};

struct ResponseHead {
  int status = 0;
  HeaderList headers;  ///< as RequestHead::headers
  std::optional<uint64_t> contentLength;
  /// On a 101: the protocol switched to.
  std::string upgrade;
  /// As RequestHead::complete.
  bool complete = false;
};

}  // namespace peerpulse::http
