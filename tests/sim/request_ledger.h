// RequestLedger: every scripted request of a carrying world by its id: what its client asked for, every sight that peers
// had of it, and how it ended for its client. It knows which of this may not be (rules 9, 12, 14 and 16 of
// carry_rules.h), because it sees both ends.
//
// Threading: one thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "event_log.h"
#include "peerpulse/base/time.h"
#include "peerpulse/http/message.h"
#include "peerpulse/upstream/options.h"

namespace peerpulse::sim {

/// What a client wants of a peer.
enum class Wish : uint8_t { kGet, kHead, kPut, kChunkedPut, kGrpc, kTunnel };
const char* toString(Wish wish);

/// How a request ended for its client.
enum class ClientEnd : uint8_t {
  kComplete,   ///< the answer in order
  kReset,      ///< by the other side
  kCancelled,  ///< by the client
};

const char* toString(ClientEnd end);

struct RequestEntry {
  uint32_t id = 0;
  uint8_t peer = 0;
  Wish wish{};
  bool honest = true;       ///< its client does nothing wrong, and neither does its connection's
  bool direct = false;      ///< of a DirectCaller, in any class
  bool paced = false;       ///< its client takes its time
  uint64_t bodySize = 0;    ///< of the request
  uint64_t answerSize = 0;  ///< wanted
  TimePoint began, progress;
  uint32_t bodyOf = 0;  ///< whose bytes those of its body are: its own, or of all legs those of the first
  // Of a leg of an operation (OperationLedger).
  uint32_t legs = 0;    ///< of the first: so many entries are the operation's
  bool byDisk = false;  ///< of the first: each leg is a disk's, and not a peer's
  bool asked = true;    ///< its peer is one of those that are asked

  // Sights of it.
  enum class Sight : uint8_t { kNone, kLive, kRefused, kLost, kAnswered };
  Sight sight = Sight::kNone;
  uint32_t sights = 0;
  uint32_t replays = 0;
  uint64_t bodyAtPeer = 0;
  bool bodyEnded = false;
  bool peerFailed = false;      ///< the peer did something to it that honest ones do not
  bool answerComplete = false;  ///< the last byte was given to the peer's codec
  int status = 0;
  uint64_t answerSent = 0;
  bool early = false;    ///< answered before the body had ended
  bool saidYes = false;  ///< 2xx, to the end, at that time
  TimePoint saidYesAt;

  // Its client.
  bool ended = false;
  ClientEnd end{};
  uint64_t bodySent = 0;  ///< handed to the client's connection
  uint64_t received = 0;
  int statusSeen = 0;
  bool local = false;  ///< peerpulse's own answer

  /// A client that sent it twice would do no harm.
  bool safe() const { return wish == Wish::kGet || wish == Wish::kHead || wish == Wish::kTunnel; }
  bool failed() const { return end == ClientEnd::kReset || local || statusSeen >= 500; }
};

/// Who hears of broken rules.
class RuleBreaks {
 public:
  virtual ~RuleBreaks() = default;
  virtual void broken(uint8_t peer, const char* rule) = 0;
};

class RequestLedger {
 public:
  RequestLedger(RuleBreaks& breaks, EventLog& log, const upstream::RetryOptions& retry)
      : breaks_(breaks), log_(log), retry_(retry) {}

  RequestEntry& open(uint8_t peer, Wish wish, TimePoint now);
  /// A leg of an operation: who owns it tells how that ends.
  RequestEntry& openLeg(uint8_t peer, Wish wish, TimePoint now);
  RequestEntry& entry(uint32_t id) { return entries_[id - 1]; }
  const RequestEntry& entry(uint32_t id) const { return entries_[id - 1]; }
  /// Of a request that this peer gets.
  RequestEntry* find(const http::RequestHead& head, uint8_t peer);

  // At peers.
  void seen(uint32_t id, TimePoint now);
  void refused(uint32_t id, TimePoint now);
  /// The peer, or the path to it, ended it before its end.
  void lost(uint32_t id, TimePoint now);
  /// The peer's host has lost power: with it goes what its kernel still had to send of answers that are complete to the
  /// process. Who waits for the rest of one, with nothing of his own to send, is told by keepalive only.
  void powerLost(uint8_t peer);
  void bodyArrived(uint32_t id, uint64_t bytes, bool matches, TimePoint now);
  void bodyEnded(uint32_t id);
  void answering(uint32_t id, int status, TimePoint now);
  /// To the end.
  void answered(uint32_t id, TimePoint now);

  // At clients.
  void received(uint32_t id, uint64_t bytes, bool matches, TimePoint now);
  void ended(uint32_t id, ClientEnd how, TimePoint now);

  /// Honest ones that failed since this was last asked.
  std::vector<uint32_t> takeFailed() { return std::exchange(failed_, {}); }
  /// Those whose clients wait.
  const std::vector<uint32_t>& live() const { return live_; }
  size_t size() const { return entries_.size(); }
  uint64_t complete() const { return complete_; }
  uint64_t digest() const { return digest_; }

 private:
  RequestEntry& add(uint8_t peer, Wish wish, TimePoint now);
  RequestEntry* find(std::string_view id);
  void checkComplete(const RequestEntry& entry);
  void note(const RequestEntry& entry, const char* what, int64_t detail, TimePoint now);

  RuleBreaks& breaks_;
  EventLog& log_;
  upstream::RetryOptions retry_;
  std::vector<RequestEntry> entries_;  // by id, from 1
  std::vector<uint32_t> live_, failed_;
  uint64_t complete_ = 0;
  uint64_t digest_ = 0;
};

inline constexpr std::string_view kIdField = "x-id";
/// Of a leg that is a disk's: its number follows.
inline constexpr std::string_view kDiskPath = "/disk";

}  // namespace peerpulse::sim
