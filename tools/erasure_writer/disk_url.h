// DiskUrl: where one shard's chunks go: "http://127.0.0.12:9000/chunks/disk1".
//
// Threading: a value.
#pragma once

#include <string>
#include <string_view>

#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"

namespace peerpulse::erasure_writer {

struct DiskUrl {
  /// Takes http:// URLs with an IP literal and a port; no query, no fragment, no trailing slash kept.
  static Result<DiskUrl> parse(std::string_view text);
  std::string toString() const { return "http://" + authority + path; }

  SocketAddress address;
  std::string authority;  ///< "127.0.0.12:9000"; also the name of the peer in statistics
  std::string path;       ///< "/chunks/disk1"
};

}  // namespace peerpulse::erasure_writer
