// Goal: any answer of the witness's kernel is a word; what it cannot answer is none.
#include "witness.h"

#include <doctest/doctest.h>

#include "own_network.h"
#include "peerpulse/event/dispatcher.h"

using namespace peerpulse;
using namespace peerpulse::guard;

namespace {

/// When he was heard, TimePoint() if not within a while.
TimePoint heard(const SocketAddress& address) {
  event::Dispatcher dispatcher;
  Witness witness(dispatcher, address, 0, [&] { dispatcher.exit(); });
  const auto patience = dispatcher.createTimer([&] { dispatcher.exit(); });
  patience->enable(milliseconds(300));
  witness.ask();
  witness.ask();  // one question is enough
  dispatcher.run();
  return witness.heard();
}

}  // namespace

TEST_CASE("a listener, and a port that nobody listens on") {
  if (!noOwnNetwork().empty()) return;
  const LocalServer server(addressOf("127.0.0.2:0"));
  CHECK(heard(server.address()) > TimePoint());
  CHECK(heard(addressOf("127.0.0.2:1")) > TimePoint());
}

TEST_CASE("nobody there") {
  if (!noOwnNetwork().empty()) return;
  CHECK(heard(addressOf("10.99.99.99:1")) == TimePoint());  // no route
}
