// ChunkPath: what a request target of the chunk API names: /chunks/<disk>/<path>[?overwrite=0|1].
//
// Invariants: `path` is percent-decoded and safe to use below a directory: 1..kMaxPathLength bytes, segments
// of
//   1..255 bytes, none of them "." or "..", no control characters, no encoded slash.
#pragma once

#include <string>
#include <string_view>

#include "peerpulse/base/result.h"

namespace peerpulse::storage_node {

struct ChunkPath {
  static constexpr size_t kMaxPathLength = 1024;
  static constexpr std::string_view kPrefix = "/chunks/";

  /// An error says what is wrong with the target (HTTP 400). Requires that it starts with kPrefix.
  static Result<ChunkPath> parse(std::string_view target);

  std::string disk;
  std::string path;
  bool overwrite = false;
};

}  // namespace peerpulse::storage_node
