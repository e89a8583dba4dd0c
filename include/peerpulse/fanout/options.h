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

/// When a second peer, or the same one again, is asked for what the first is late with.
struct Hedge {
  Duration delay = Duration::zero();  ///< zero: never
  bool automatic = false;             ///< when it is later than it mostly is (upstream::autoHedgeDelay())
  bool wanted() const { return automatic || delay > Duration::zero(); }
};

struct Options {
  /// Loopback or a unix socket; family AF_UNSPEC: there is no API.
  SocketAddress listen;
  /// How long one peer may take to answer an aggregate.
  Duration peerTimeout = seconds(2);
  /// It follows the peer's latency (upstream::autoTimeout()); until enough of that is known peerTimeout holds.
  bool peerTimeoutAuto = false;
  /// One disk's own time for a chunk, beside what its size takes at the bulk class's minBytesPerSecond, or at
  /// kChunkBytesPerSecond where there is none. Zero: the class's timeouts alone hold.
  Duration chunkTimeout = Duration::zero();
  bool chunkTimeoutAuto = false;  ///< as peerTimeoutAuto
  static constexpr uint64_t kChunkBytesPerSecond = uint64_t{1024} * 1024;
  /// Of reads that do not say.
  Hedge hedge;
  /// Of this node: peers of the same zone are preferred where a few are enough. Empty: none is.
  std::string zone;
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
