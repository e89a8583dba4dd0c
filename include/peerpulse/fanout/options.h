// Options of the fan-out API (design section 6). Filled by config/; immutable afterwards.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/time.h"

namespace peerpulse::fanout {

/// "node5/data/disk2": a disk of a node, and the path under which that node serves it.
struct Disk {
  std::string node;
  std::string path;  ///< without a slash at either end: "data/disk2"
  std::string name() const { return node + "/" + path; }
  bool operator==(const Disk&) const = default;
};

/// The disks of an erasure set: shard i belongs on disks[i]; the spares take what those cannot.
struct ErasureSet {
  std::string name;
  std::vector<Disk> disks;
  std::vector<Disk> spares;
};

struct Options {
  /// Loopback or a unix socket; family AF_UNSPEC: there is no API.
  SocketAddress listen;
  /// How long one peer may take to answer an aggregate.
  Duration peerTimeout = seconds(2);
  /// How long a notification is tried.
  Duration notifyTimeout = seconds(5);
  /// Of a request's body so much is kept: each peer takes it at its own pace. Beyond it the slowest peer that the answer
  /// needs sets the pace. Bodies of notifications are at most so large.
  uint64_t replayLimit = uint64_t{16} * 1024 * 1024;
  /// Body bytes, of requests and answers, of all operations together.
  uint64_t memory = uint64_t{256} * 1024 * 1024;
  /// Operations at once, those that go on in the background included.
  uint32_t maxOperations = 4096;
  /// Of one peer's answer.
  uint64_t answerLimit = uint64_t{256} * 1024;
  std::vector<ErasureSet> erasureSets;
};

}  // namespace peerpulse::fanout
