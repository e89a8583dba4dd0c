// ApiRoute: writes by way of peerpulse's fan-out API. A chunk goes to PUT <set>/<shard>/<chunk>; the answer names the disk that
// took it ("node5/chunks/disk2"): the shard's own, or a spare.
//
// Threading: a value.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "erasure_writer/disk_url.h"

namespace peerpulse::erasure_writer {

struct ApiRoute {
  /// "NAME=IP:PORT".
  Result<void> addNode(std::string_view text);
  /// The disk is of one of the nodes; others (this host's own) are written straight.
  bool serves(const DiskUrl& disk) const;
  /// Where the disk of that name is read. An error where its node is not known.
  Result<DiskUrl> diskOf(std::string_view name) const;
  std::string requestPath(int shard, std::string_view chunk) const {
    return set.path + "/" + std::to_string(shard) + std::string(chunk);
  }

  DiskUrl set;                                             ///< "http://127.0.0.1:9902/erasure/set0"
  std::vector<std::pair<std::string, std::string>> nodes;  ///< name, and authority of its disks' URLs
};

}  // namespace peerpulse::erasure_writer
