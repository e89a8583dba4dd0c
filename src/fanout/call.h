// Call: what a request to the API asks for, read from its head (design section 6).
//
//   POST|PUT /quorum/<path>      peerpulse-quorum: majority (default), all, or a number
//   GET      /aggregate/<path>
//   POST     /notify/<path>
//   peerpulse-peers: a,b         default: all
//   peerpulse-timeout: 500ms     or grpc-timeout: the caller's own deadline
//
// Threading: pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/time.h"
#include "peerpulse/http/message.h"
#include "peerpulse/upstream/peer_set.h"

namespace peerpulse::fanout {

enum class Operation : uint8_t { kQuorum, kAggregate, kNotify };
inline constexpr size_t kOperations = 3;
/// "quorum", "aggregate", "notify".
const char* toString(Operation operation);

struct Call {
  Operation operation{};
  std::string path;  ///< what each peer is asked for
  std::vector<upstream::PeerOptionsRef> targets;
  uint32_t required = 0;             ///< quorum: acknowledgements
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
std::variant<Call, Refusal> readCall(const http::RequestHead& head, const upstream::PeerSet& peers);

/// The head that goes to a peer: the caller's, without what is for us.
http::RequestHead headFor(const http::RequestHead& head, const Call& call, const upstream::PeerOptions& peer);

}  // namespace peerpulse::fanout
