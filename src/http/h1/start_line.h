// The first line of a message (RFC 9112 3 and 4), stricter than llhttp 8.1.0 takes it (faults B9, B10).
//
// Threading: pure functions; the views point into the line.
#pragma once

#include <optional>
#include <string_view>

#include "fault.h"
#include "peerpulse/http/message.h"

namespace peerpulse::http::h1 {

struct RequestLine {
  std::string_view method;
  std::string_view target;
  Version version = Version::kHttp11;
};
std::optional<Fault> parseRequestLine(std::string_view line, RequestLine& out);

struct StatusLine {
  Version version = Version::kHttp11;
  int status = 0;
};
std::optional<Fault> parseStatusLine(std::string_view line, StatusLine& out);

}  // namespace peerpulse::http::h1
