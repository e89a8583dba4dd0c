// EventHeap: virtual time and what is to happen in it. Events are plain data in one flat heap; nothing is
// allocated once it has grown. What happens at the same time happens in the order in which it was scheduled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "peerpulse/base/assert.h"
#include "peerpulse/base/time.h"

namespace peerpulse::sim {

enum class EventKind : uint8_t {
  // Between a prober and a peer (WireModel).
  kPacket,          ///< flag: to which side; a: connection, b: segment (0: a bare ACK), c: ACK, d: SACK bits
  kTcpTimer,        ///< flag: whose; a: connection
  kSyn,             ///< flag: slot; a: attempt
  kSynReply,        ///< flag: slot; a: attempt, b: 1 if refused
  kSynTimer,        ///< flag: slot; a: attempt, b: how often it was sent
  kEcho,            ///< ICMP, at the peer; a: sequence
  kEchoReply,       ///< at the prober's side; a: sequence
  kKeepalive,       ///< a keepalive probe at the peer; a: connection, flag: it leaves the prober
  kKeepaliveReply,  ///< at the prober's side; a: connection
  kReset,           ///< RST at the prober's side; a: connection
  kIdleClose,       ///< a: connection
  // The prober (ProberModel).
  kLoopFree,
  kOutcome,  ///< of a worker's request; a: outcome, b: generation
  // The scenario.
  kFault,
  kEnd,
};

struct SimEvent {
  TimePoint at;
  uint32_t order = 0;
  EventKind kind{};
  uint8_t peer = 0;
  uint16_t flag = 0;
  uint32_t a = 0, b = 0, c = 0, d = 0;
};
static_assert(sizeof(SimEvent) == 32);

class EventHeap {
 public:
  TimePoint now() const { return now_; }
  void reset(TimePoint start) {
    events_.clear();
    now_ = start;
    order_ = 0;
  }
  void advance(TimePoint to) {
    PP_ASSERT(to >= now_);
    now_ = to;
  }

  void push(TimePoint at, SimEvent event) {
    event.at = at < now_ ? now_ : at;
    event.order = order_++;
    size_t hole = events_.size();
    events_.push_back(event);
    while (hole > 0) {
      const size_t parent = (hole - 1) / 4;
      if (!before(event, events_[parent])) break;
      events_[hole] = events_[parent];
      hole = parent;
    }
    events_[hole] = event;
  }

  size_t size() const { return events_.size(); }
  TimePoint nextAt() const { return events_.empty() ? TimePoint::max() : events_.front().at; }
  /// Also moves the time there.
  SimEvent pop() {
    const SimEvent first = events_.front();
    const SimEvent last = events_.back();
    events_.pop_back();
    if (!events_.empty()) sink(last);
    advance(first.at);
    return first;
  }

 private:
  static bool before(const SimEvent& x, const SimEvent& y) { return x.at != y.at ? x.at < y.at : x.order < y.order; }

  void sink(const SimEvent& event) {
    size_t hole = 0;
    for (;;) {
      size_t child = 4 * hole + 1;
      if (child >= events_.size()) break;
      const size_t end = child + 4 < events_.size() ? child + 4 : events_.size();
      for (size_t other = child + 1; other < end; ++other)
        if (before(events_[other], events_[child])) child = other;
      if (!before(events_[child], event)) break;
      events_[hole] = events_[child];
      hole = child;
    }
    events_[hole] = event;
  }

  std::vector<SimEvent> events_;
  TimePoint now_;
  uint32_t order_ = 0;
};

}  // namespace peerpulse::sim
