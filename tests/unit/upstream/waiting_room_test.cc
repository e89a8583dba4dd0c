// Goal: requests that may not go yet wait in order, go when the verdict or the ramp lets them, in slices, and none is
// forgotten, whatever the circuit does meanwhile.
#include "waiting_room.h"

#include "request_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;
using health::CircuitState;
using health::Verdict;
using State = Request::State;

namespace {

Wish numbered(int i) {
  Wish wish;
  wish.path = "/" + std::to_string(i);
  wish.trafficClass = TrafficClass::kStream;  // no deadline but the hold
  return wish;
}

std::vector<Owner*> askMany(RequestWorld& w, int count) {
  std::vector<Owner*> all;
  for (int i = 0; i < count; ++i)
    all.push_back(&w.ask(numbered(i)));
  return all;
}

/// The numbers of the requests that the peer has seen, in order.
std::vector<int> seen(const RequestWorld& w) {
  std::vector<int> order;
  for (const auto& request : w.remote.requests)
    order.push_back(std::stoi(request->head.path.substr(1)));
  return order;
}

bool inOrder(const RequestWorld& w) {
  const auto order = seen(w);
  return std::is_sorted(order.begin(), order.end());
}

void outage(RequestWorld& w) {
  w.change(Verdict::kDead, CircuitState::kOpen);
  w.change(Verdict::kAlive);
}

}  // namespace

// --- the ramp --------------------------------------------------------------------------------------------------

TEST_CASE("waiting room: after an outage requests go in steps of 1, 2, 4, 8, in their order") {
  RequestWorld w;
  outage(w);
  askMany(w, 100);
  std::vector<size_t> steps;
  size_t gone = 0;
  const auto note = [&] {
    const size_t now = 100 - w.peer().requestsHeld();
    if (now != gone) steps.push_back(now - gone);
    gone = now;
  };
  note();
  w.until([&] {
    note();
    return gone == 100;
  });
  w.until([&] { return w.remote.requests.size() == 100; });
  CHECK(steps == std::vector<size_t>{1, 2, 4, 8, 16, 32, 37});
  CHECK(inOrder(w));
  CHECK(w.peerStats().rampedTotal.get() == 99);
}

TEST_CASE("waiting room: at the ramp's end all go, and later ones without a limit") {
  RequestWorld w;
  outage(w);
  const TimePoint start = w.time.now();
  askMany(w, 600);
  w.until([&] { return w.peer().requestsHeld() == 0; });
  CHECK(w.time.now() - start <= AdmissionRamp::kLength);
  w.run(AdmissionRamp::kLength);
  const uint64_t ramped = w.peerStats().rampedTotal.get();
  askMany(w, 50);
  CHECK(w.peer().requestsHeld() == 0);
  CHECK(w.peerStats().rampedTotal.get() == ramped);
}

TEST_CASE("waiting room: who comes during the ramp goes behind those who wait") {
  RequestWorld w;
  outage(w);
  for (int i = 0; i < 60; ++i) {
    w.ask(numbered(i));
    w.run(milliseconds(2));
  }
  w.until([&] { return w.remote.requests.size() == 60; });
  CHECK(inOrder(w));
}

TEST_CASE("waiting room: nor before them when a step is due that the loop has not come round to") {
  RequestWorld w;
  outage(w);
  askMany(w, 3);
  CHECK(w.peer().requestsHeld() == 2);
  w.time.advanceTo(w.time.now() + milliseconds(26));
  Owner& newcomer = w.ask(numbered(1000));
  CHECK(newcomer.request().state() == State::kHeld);
}

TEST_CASE("waiting room: a step that nobody needs lets the next one go at once") {
  RequestWorld w;
  outage(w);
  Owner& first = w.ask(numbered(0));
  CHECK(first.request().state() == State::kWaiting);
  w.run(milliseconds(30));
  Owner& second = w.ask(numbered(1));
  CHECK(second.request().state() != State::kHeld);
}

TEST_CASE(
    "waiting room: while a peer is just back, few connections are opened to it at once, then as many as usual") {
  RequestWorld w;
  outage(w);
  Wish wish = numbered(0);
  wish.version = http::Version::kHttp11;
  for (int i = 0; i < 200; ++i)
    w.ask(wish);
  uint64_t most = 0;
  w.until([&] {
    most = std::max(most, w.peerStats().connectionsConnecting.get());
    return w.peer().requestsHeld() == 0;
  });
  CHECK(most == ConnectLimit::kReturning);
  w.until([&] { return w.remote.requests.size() == 200; });
}

TEST_CASE("waiting room: the end of the ramp raises the limit for those who wait for a connection already") {
  RequestWorld w;
  outage(w);
  Wish wish = numbered(0);
  wish.version = http::Version::kHttp11;
  w.cutPath(true);  // connects hang
  for (int i = 0; i < 100; ++i)
    w.ask(wish);
  w.until([&] { return w.peer().requestsHeld() == 0; });
  w.run(AdmissionRamp::kLength);
  // The first ones are late, and have others beside them.
  CHECK(w.peerStats().connectionsConnecting.get() - w.peerStats().lateConnectsTotal.get() == 100);
}

TEST_CASE("waiting room: the first verdict after the start is no outage") {
  RequestWorld w;
  w.change(Verdict::kUnknown);
  askMany(w, 50);
  CHECK(w.peer().requestsHeld() == 50);
  w.change(Verdict::kAlive);
  CHECK(w.peer().requestsHeld() == 0);
  CHECK(w.peerStats().rampedTotal.get() == 0);
}

TEST_CASE("waiting room: an outage that this worker was not woken for yet begins and ends a ramp all the same") {
  RequestWorld w;
  w.change(Verdict::kDead, CircuitState::kOpen);
  w.publish(Verdict::kAlive);  // the word is there before the post is
  askMany(w, 10);
  CHECK(w.peer().requestsHeld() == 9);
  w.until([&] { return w.peer().requestsHeld() == 0; });
}

// --- the circuit changes ---------------------------------------------------------------------------------------

TEST_CASE("waiting room: an outage in the ramp fails those held, and the next ramp starts with one") {
  RequestWorld w;
  outage(w);
  const auto held = askMany(w, 20);
  w.run(milliseconds(30));
  w.change(Verdict::kDead, CircuitState::kOpen);
  w.settle();
  for (Owner* owner : held)
    CHECK(owner->story().failure.byCircuit);
  w.change(Verdict::kAlive);
  askMany(w, 4);
  CHECK(w.peer().requestsHeld() == 3);
  w.until([&] { return w.peer().requestsHeld() == 0; });
}

TEST_CASE("waiting room: half-open after an outage, one of those held is the trial") {
  RequestWorld w;
  w.change(Verdict::kSuspect);
  const auto held = askMany(w, 5);
  w.change(Verdict::kAlive, CircuitState::kHalfOpen);
  size_t failed = 0;
  for (Owner* owner : held)
    failed += owner->story().failed ? 1U : 0U;
  CHECK(failed == 4);
  CHECK(held.front()->request().state() == State::kWaiting);
  w.until([&] { return w.remote.requests.size() == 1; });
  w.remote.last().answer(200, "");
  w.until([&] { return held.front()->story().closed; });
  w.change(Verdict::kAlive);  // closed by the trial: this, too, is the end of an outage
  askMany(w, 5);
  CHECK(w.peer().requestsHeld() == 4);
}

TEST_CASE("waiting room: suspect again during the ramp, nobody goes before the verdict") {
  RequestWorld w;
  outage(w);
  askMany(w, 50);
  w.change(Verdict::kSuspect);
  const size_t held = w.peer().requestsHeld();
  w.run(milliseconds(90));  // less than any hold
  CHECK(w.peer().requestsHeld() == held);
  w.change(Verdict::kAlive);
  w.until([&] { return w.peer().requestsHeld() == 0; });
  w.until([&] { return w.remote.requests.size() == 50; });
  CHECK(inOrder(w));
}

TEST_CASE("waiting room: told again what they wait for, they are not held anew") {
  RequestWorld w;
  w.change(Verdict::kSuspect);
  const TimePoint start = w.time.now();
  askMany(w, 5);
  for (int i = 0; i < 9; ++i) {
    w.run(milliseconds(10));
    w.change(Verdict::kSuspect);
  }
  CHECK(w.peerStats().heldTotal.get() == 5);
  CHECK(w.peer().heldSince() == start);
  w.run(milliseconds(15));
  CHECK(w.peer().requestsHeld() == 0);
}

TEST_CASE("waiting room: a verdict that never comes holds nobody for ever, ramp or not") {
  for (const bool ramp : {false, true}) {
    CAPTURE(ramp);
    RequestWorld w;
    if (ramp) outage(w);
    const auto before = ramp ? askMany(w, 20) : std::vector<Owner*>{};
    w.change(Verdict::kSuspect);
    const auto after = askMany(w, 20);
    w.run(AdmissionRamp::kLength + w.context.options->holdFor + milliseconds(10));
    CHECK(w.peer().requestsHeld() == 0);
    for (const auto* all : {&before, &after}) {
      for (Owner* owner : *all)
        CHECK_FALSE(owner->story().failed);
    }
  }
}

TEST_CASE("waiting room: requests that leave it by themselves do not hold up the others") {
  RequestWorld w;
  outage(w);
  const auto all = askMany(w, 30);
  for (size_t i = 2; i < all.size(); i += 2)
    all[i]->request().cancel();
  CHECK(w.peer().requestsHeld() == 15);
  w.until([&] { return w.remote.requests.size() == 16; });
  CHECK(inOrder(w));
}

// --- slices ----------------------------------------------------------------------------------------------------

TEST_CASE("waiting room: many are let go in slices, in order") {
  RequestWorld w;
  w.change(Verdict::kSuspect);
  // Each failure takes time, as writing an answer does.
  static constexpr Duration kUnit = microseconds(50);
  constexpr size_t kPerSlice = event::SlicedWork::kSlice / kUnit;
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) {
    Owner& owner = w.ask(numbered(i));
    owner.on = [&w, &order, i](const std::string&) {
      order.push_back(i);
      w.time.advanceTo(w.time.now() + kUnit);
    };
  }
  w.change(Verdict::kRefusing, CircuitState::kOpen);
  CHECK(order.size() == kPerSlice);
  std::vector<size_t> perTurn;
  size_t before = order.size();
  w.until([&] {
    if (order.size() != before) perTurn.push_back(order.size() - before);
    before = order.size();
    return order.size() == 100;
  });
  for (const size_t count : perTurn)
    CHECK(count <= kPerSlice);
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(w.peer().requestsHeld() == 0);
}
