// NameRecord: what is known of one name: its addresses, how long they are good for, when to ask again, and what an answer
// changes. Asked is in rounds: A and AAAA at once.
//
//   Unknown --first address--> Good <--round with an address / round without one--> Stale
//   Unknown --round without an address--> Failed --first address--> Good
//
// - The last good answer is kept, whatever comes after it: of a name that is answered by an error, by nothing or not at all the
//   addresses of before stay. A family is given up only when the name says that it has none, and has addresses of the other.
// - TTLs count, within a floor and a cap. A round that failed is followed by the next at a fixed cadence, with jitter.
// - At most kMaxAddresses are used, of both families alternately, in the order of their bytes and not of the answer: a server
//   that turns the order with each answer (or gives another 16 of 50 each time) changes nothing.
//
// Pure: time and answers in. Threading: none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "peerpulse/base/address_set.h"
#include "peerpulse/base/time.h"
#include "peerpulse/dns/answer.h"
#include "peerpulse/dns/options.h"

namespace peerpulse::dns {

class NameRecord {
 public:
  enum class State : uint8_t { kUnknown, kGood, kStale, kFailed };
  static constexpr size_t kMaxAddresses = 16;

  /// `options` outlives it. Wants to be asked for at once.
  explicit NameRecord(const Options& options) : options_(options) {}

  /// A round begins: nextAsk() is never until both families have been answered.
  void onAsked(TimePoint now);
  struct Change {
    bool addresses = false;  ///< addresses() is another set now
    bool round = false;      ///< the round is over: status() is of it
  };
  /// `jitter` in [0, 1).
  Change onAnswer(Family family, Answer answer, TimePoint now, double jitter);
  /// Somebody has reason to think that the addresses are old: asks as soon as the floor allows.
  void hurry(TimePoint now);

  State state() const { return state_; }
  /// Null: none yet.
  const AddressSetRef& addresses() const { return addresses_; }
  /// What the last answers gave beyond kMaxAddresses.
  size_t leftOut() const { return leftOut_; }
  /// Of the last round that is over.
  Status status() const { return status_; }
  /// When an answer with an address came last; TimePoint(): never.
  TimePoint goodAt() const { return goodAt_; }
  /// TimePoint::max() while a round is under way.
  TimePoint nextAsk() const { return nextAsk_; }

 private:
  void enter(State to);
  bool take(std::vector<SocketAddress> v4, std::vector<SocketAddress> v6);
  Status worst() const;
  Change endRound(TimePoint now, double jitter);

  const Options& options_;
  State state_ = State::kUnknown;
  AddressSetRef addresses_;
  std::array<std::vector<SocketAddress>, kFamilies> good_;  // the last good ones
  std::array<Answer, kFamilies> answers_;                   // of this round
  size_t pending_ = 0;
  size_t leftOut_ = 0;
  Status status_ = Status::kOk;
  TimePoint askedAt_;
  TimePoint goodAt_;
  TimePoint nextAsk_;
};

/// "unknown", "good", "stale", "failed".
const char* toString(NameRecord::State state);

}  // namespace peerpulse::dns
