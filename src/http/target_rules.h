// Rules on the target of a request that both protocols share: RFC 9112 3.2 and RFC 9113 8.3.1 name the same things, once as
// a line and a Host field, once as :path and :authority.
//
// Threading: pure functions.
#pragma once

#include <string_view>

namespace peerpulse::http {

/// What is wrong with a target whatever its form; nullptr if nothing (faults B10).
const char* targetProblem(std::string_view target);

/// What is wrong with a target that shall be a path ("/a?b", or "*" of OPTIONS); nullptr if nothing.
const char* pathProblem(std::string_view path, std::string_view method);

/// host [ ":" port ] without userinfo, path, list or empty host (faults B9).
bool isAuthority(std::string_view text);

}  // namespace peerpulse::http
