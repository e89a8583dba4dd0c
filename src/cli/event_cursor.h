// EventCursor: how far the events of an admin have been told, across connections to it and across its restarts: which of a
// history are new, and whether any are lost.
//
// Sequence numbers count from 1 anew in each process (admin/event_log.h): an event is known by its number and its time.
//
// Threading: none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "json_field.h"

namespace peerpulse::cli {

class EventCursor {
 public:
  struct CaughtUp {
    std::vector<const Json*> fresh;  ///< of `history`, oldest first
    bool restarted = false;          ///< another process: what the old one saw last may be lost
    bool gap = false;                ///< more happened than is kept
  };

  /// `history`: what /events?history=1 says. All of it is told with this; the first one is where the cursor begins.
  CaughtUp catchUp(const Json& history);
  /// An event of the live stream. False if it is not the next one: then only the history can say what was missed, and this is
  /// not told yet.
  bool advance(const Json& event);

  /// Of the last event that is told; 0: of none.
  uint64_t sequence() const { return sequence_; }
  /// When that happened, RFC 3339; empty: none is known.
  const std::string& at() const { return at_; }

 private:
  bool begun_ = false;
  uint64_t sequence_ = 0;
  std::string at_;
};

}  // namespace peerpulse::cli
