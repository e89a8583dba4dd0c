// Farewells: connections that nobody uses any more and that only have their last words to send: a GOAWAY, the answer to
// a request that could not be read. Closing at once would take those words back: the kernel drops what it could not send
// yet, and answers bytes that nobody read with a reset, which makes the remote side forget what it has received
// (RFC 9112 9.6: close in stages). So the output is sent, our direction ended, and what still comes is thrown away until
// the remote side ends too.
//
// Threading: the loop's thread. Ownership: owns the connections.
// Bounds: kMax connections for kLinger each; one more ends the oldest.
#pragma once

#include <cstddef>
#include <list>
#include <memory>

#include "peerpulse/event/scheduler.h"
#include "peerpulse/net/connection.h"

namespace peerpulse::wire {

class Farewells {
 public:
  static constexpr size_t kMax = 256;
  static constexpr Duration kLinger = seconds(1);

  explicit Farewells(event::Scheduler& scheduler);
  ~Farewells();
  Farewells(const Farewells&) = delete;
  Farewells& operator=(const Farewells&) = delete;

  /// The connection's callbacks are ours from here on.
  void take(std::unique_ptr<net::Connection> connection);
  bool empty() const { return farewells_.empty(); }
  size_t size() const { return farewells_.size(); }

 private:
  class Farewell;
  void remove(Farewell& farewell);

  event::Scheduler& scheduler_;
  std::list<std::unique_ptr<Farewell>> farewells_;  // the oldest first
};

}  // namespace peerpulse::wire
