// Call: what a request to the API asks for, read from its head (design section 6).
//
//   POST|PUT|GET /quorum/<path>  peerpulse-quorum: majority (default), all, or a number
//   GET      /aggregate/<path>
//   POST     /notify/<path>
//   PUT      /erasure/<set>/<shard>/<path>
//   peerpulse-peers: a,b         default: all
//   peerpulse-hedge: auto        of a GET without a body: auto, a duration, or off (default: api.hedge)
//   peerpulse-timeout: 500ms     or grpc-timeout: the caller's own deadline
//
// Threading: pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "peerpulse/base/time.h"
#include "peerpulse/fanout/options.h"
#include "peerpulse/http/message.h"
#include "peerpulse/upstream/peer_set.h"

namespace peerpulse::fanout {

enum class Operation : uint8_t { kQuorum, kAggregate, kNotify, kErasure };
/// "quorum", "aggregate", "notify", "erasure".
const char* toString(Operation operation);

/// One peer, and what it is asked for.
struct Target {
  upstream::PeerOptionsRef peer;
  std::string path;
  std::string disk;  ///< erasure: "node5/data/disk2"
};

struct Call {
  Operation operation{};
  std::string path;  ///< behind the operation's name
  /// Erasure: the shard's own disk, then the spares of other nodes than this.
  std::vector<Target> targets;
  uint32_t required = 0;             ///< quorum: acknowledgements
  bool read = false;                 ///< a GET: the answers are wanted
  Hedge hedge;                       ///< of a read without a body
  std::optional<Duration> deadline;  ///< the caller's
};

/// An answer that is an error of the caller's.
struct Refusal {
  int status = 0;
  std::string error;    ///< a word: "unknown_peer"
  std::string message;  ///< what, where, what to do
  std::string allow;    ///< of a 405
};

/// A majority is of all nodes, this one among them: `peers` are the others.
std::variant<Call, Refusal> readCall(const http::RequestHead& head, const upstream::PeerSet& peers,
                                     const Options& options);

/// The head that goes to a peer: the caller's, without what is for us.
http::RequestHead headFor(const http::RequestHead& head, const Target& target);

}  // namespace peerpulse::fanout
