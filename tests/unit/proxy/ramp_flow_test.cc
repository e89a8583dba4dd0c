// Goal: a peer that comes back gets its exchanges step by step, first come first served, and none waits for long.
// Method: as flow_test; the test is the prober.
#include <algorithm>

#include "admission_ramp.h"
#include "flow_harness.h"
#include "pool.h"

using namespace peerpulse;
using namespace peerpulse::proxy;
using namespace peerpulse::proxy::test;
using health::CircuitState;
using health::Reason;
using health::Verdict;

namespace {

constexpr PeerId kPeer{0};

void outage(Flow& flow) {
  flow.setVerdict(Verdict::kDead, CircuitState::kOpen);
  flow.setVerdict(Verdict::kAlive, CircuitState::kClosed);
}

std::vector<ClientRequest*> sendNumbered(TestClient& client, int count) {
  std::vector<ClientRequest*> requests;
  for (int i = 0; i < count; ++i)
    requests.push_back(&client.send("PUT", "/echo", std::to_string(i)));
  return requests;
}

// Over as many connections as they need.
std::vector<ClientRequest*> sendMany(Flow& flow, int count) {
  std::vector<ClientRequest*> requests;
  for (; count > 0; count -= 50) {
    const auto some = sendNumbered(flow.client(), std::min(count, 50));
    requests.insert(requests.end(), some.begin(), some.end());
  }
  return requests;
}

bool allDone(const std::vector<ClientRequest*>& requests) {
  return std::all_of(requests.begin(), requests.end(), [](const ClientRequest* r) { return r->done(); });
}

}  // namespace

TEST_CASE("ramp flow: one exchange at once, then more, in their order, all within the ramp") {
  Flow flow(true);
  outage(flow);
  const TimePoint start = flow.dispatcher.now();
  const auto requests = sendNumbered(flow.client(), 90);
  flow.until([&] { return flow.stats.peer(kPeer).held.get() == 89; });
  CHECK(flow.peer.requests.size() <= 1);
  flow.until([&] { return allDone(requests); });
  CHECK(flow.dispatcher.now() - start >= milliseconds(70));  // 1 + 2 + 4 + 8 + 16 + 32 are too few: six steps
  for (size_t i = 0; i < requests.size(); ++i)
    CHECK(requests[i]->body == std::to_string(i));
  std::vector<int> order;
  for (const auto& request : flow.peer.requests)
    order.push_back(std::stoi(request->body));
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(flow.stats.peer(kPeer).rampedTotal.get() == 89);
  CHECK(flow.stats.peer(kPeer).heldTotal.get() == 0);
  CHECK(flow.stats.peer(kPeer).held.get() == 0);
}

TEST_CASE("ramp flow: more than the steps admit go at its end, and later ones without a limit") {
  Flow flow(true);
  outage(flow);
  const auto requests = sendMany(flow, 600);
  flow.until([&] { return allDone(requests); });
  CHECK(flow.stats.peer(kPeer).rampedTotal.get() >= 345);
  const uint64_t ramped = flow.stats.peer(kPeer).rampedTotal.get();
  const TimePoint over = flow.dispatcher.now() + upstream::AdmissionRamp::kLength;
  flow.until([&] { return flow.dispatcher.now() >= over; });
  const auto later = sendMany(flow, 100);
  flow.until([&] { return allDone(later); });
  CHECK(flow.stats.peer(kPeer).rampedTotal.get() == ramped);
}

TEST_CASE("ramp flow: no more than a few connections at a time, and each exchange gets its own in the end") {
  Flow flow(false);
  outage(flow);
  std::vector<ClientRequest*> requests;
  for (int i = 0; i < 100; ++i)
    requests.push_back(&flow.client().send("GET", "/hang"));
  uint64_t connecting = 0;
  flow.until([&] {
    connecting = std::max(connecting, flow.stats.peer(kPeer).connectionsConnecting.get());
    return flow.peer.requests.size() == 100;
  });
  CHECK(connecting <= upstream::ConnectLimit::kReturning + 1);
}

TEST_CASE("ramp flow: an outage during the ramp fails those held at once, and the next ramp starts with one") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    Flow flow(http2);
    outage(flow);
    std::vector<ClientRequest*> requests;
    for (int i = 0; i < 10; ++i)
      requests.push_back(&flow.client().send("GET", "/hang"));
    flow.until([&] { return flow.stats.peer(kPeer).held.get() >= 7; });
    flow.setVerdict(Verdict::kDead, CircuitState::kOpen);
    flow.until([&] { return allDone(requests); });
    for (const ClientRequest* request : requests)
      CHECK(request->head.status == 503);
    flow.setVerdict(Verdict::kAlive, CircuitState::kClosed);
    const uint64_t ramped = flow.stats.peer(kPeer).rampedTotal.get();
    std::vector<ClientRequest*> again;
    for (int i = 0; i < 4; ++i)
      again.push_back(&flow.client().send("GET", "/ok"));
    flow.until([&] { return allDone(again); });
    CHECK(flow.stats.peer(kPeer).rampedTotal.get() >= ramped + 2);
  }
}

TEST_CASE("ramp flow: deadlines go on while held, and do not count against the peer") {
  Flow flow(true, [](ProxyOptions& o) { o.timeouts[0].request = milliseconds(60); });
  outage(flow);
  const auto requests = sendMany(flow, 200);
  flow.until([&] { return allDone(requests); });
  CHECK(requests.front()->head.status == 200);
  CHECK(requests.back()->head.status == 504);
  // Steps last 15 ms at least: of the 200 not more than 1 + 2 + 4 + 8 + 16 were sent in the 60 ms, whatever became of
  // those on a slow machine. The others say nothing about the peer.
  CHECK(flow.outcomes.seen.size() <= 31);
}

TEST_CASE("ramp flow: after a successful trial too") {
  Flow flow(true);
  flow.setVerdict(Verdict::kAlive, CircuitState::kHalfOpen);
  TestClient& client = flow.client();
  ClientRequest& trial = client.send("GET", "/ok");
  flow.until([&] { return trial.done(); });
  CHECK(trial.head.status == 200);
  flow.setVerdict(Verdict::kAlive, CircuitState::kClosed);
  const auto requests = sendNumbered(client, 20);
  flow.until([&] { return allDone(requests); });
  CHECK(flow.stats.peer(kPeer).rampedTotal.get() == 19);
}

TEST_CASE("ramp flow: a trial whose stream was refused is sent again as the same trial") {
  Flow flow(true);
  flow.setVerdict(Verdict::kAlive, CircuitState::kHalfOpen);
  ClientRequest& trial = flow.client().send("PUT", "/refuse-once", "body");
  flow.until([&] { return trial.done(); });
  CHECK(trial.head.status == 200);
}

TEST_CASE("ramp flow: the first verdict after the start is no outage") {
  Flow flow(true);
  flow.setVerdict(Verdict::kUnknown, CircuitState::kClosed);
  const auto requests = sendNumbered(flow.client(), 50);
  flow.until([&] { return flow.stats.peer(kPeer).held.get() == 50; });
  flow.setVerdict(Verdict::kAlive, CircuitState::kClosed);
  flow.until([&] { return allDone(requests); });
  CHECK(flow.stats.peer(kPeer).rampedTotal.get() == 0);
}
