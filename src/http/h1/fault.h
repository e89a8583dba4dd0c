#pragma once

namespace peerpulse::http::h1 {

/// Why a message is refused: the status a server answers with, and words for logs.
struct Fault {
  int status = 400;
  const char* detail = "";
};

}  // namespace peerpulse::http::h1
