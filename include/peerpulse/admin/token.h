// The token that lets other hosts change things by the admin: the content of admin.token_file, without white space around it.
//
// Errors: a file that cannot be read, or that holds less than kLeastToken characters: who guesses it opens circuits.
#pragma once

#include <string>

#include "peerpulse/base/result.h"

namespace peerpulse::admin {

inline constexpr size_t kLeastToken = 16;
inline constexpr size_t kMostToken = 1024;

Result<std::string> readToken(const std::string& path);

}  // namespace peerpulse::admin
