// Problem: an answer other than success, told as application/problem+json (RFC 9457).
//
// Threading: values; no sharing.
#pragma once

#include <string>

#include "peerpulse/base/result.h"

namespace peerpulse::storage_node {

struct Problem {
  int status = 500;
  std::string detail;

  /// {"type","title","status","detail"}.
  std::string toJson() const;
};

/// What a failed file operation means to the client: 404, 409, 507, 503 or 500 by the error's code.
Problem problemOf(const Error& error);

}  // namespace peerpulse::storage_node
