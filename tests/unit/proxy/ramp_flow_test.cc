// Goal: a peer that comes back gets its exchanges step by step, first come first served, and none waits for long.
// Method: on virtual time, so that a busy machine takes no step away; the test is the prober.
#include <algorithm>

#include "admission_ramp.h"
#include "pool.h"
#include "proxy_world.h"

using namespace peerpulse;
using namespace peerpulse::proxy;
using namespace peerpulse::proxy::test;
using health::CircuitState;
using health::Verdict;

namespace {

void outage(ProxyWorld& world) {
  world.die();
  world.change(Verdict::kAlive);
}

ProxyWorld::Configure http2Peer() {
  return [](ProxyOptions& o) { o.peers[0].protocol = upstream::Protocol::kHttp2; };
}

std::vector<ClientRequest*> sendNumbered(TestClient& client, int count) {
  std::vector<ClientRequest*> requests;
  for (int i = 0; i < count; ++i)
    requests.push_back(&client.send("PUT", "/echo", std::to_string(i)));
  return requests;
}

// Over as many connections as they need.
std::vector<TestClient*> clientsFor(ProxyWorld& world, int count) {
  std::vector<TestClient*> clients;
  for (; count > 0; count -= 50)
    clients.push_back(&world.client(true));
  return clients;
}

std::vector<ClientRequest*> sendMany(const std::vector<TestClient*>& clients, int count) {
  std::vector<ClientRequest*> requests;
  for (TestClient* client : clients) {
    const auto some = sendNumbered(*client, std::min(count, 50));
    requests.insert(requests.end(), some.begin(), some.end());
    count -= 50;
  }
  return requests;
}

// h1: one connection each.
std::vector<TestClient*> clientsEach(ProxyWorld& world, int count, bool http2) {
  std::vector<TestClient*> clients;
  for (int i = 0; i < count; ++i)
    clients.push_back(&world.client(http2));
  return clients;
}

std::vector<ClientRequest*> sendEach(const std::vector<TestClient*>& clients, const std::string& path) {
  std::vector<ClientRequest*> requests;
  for (TestClient* client : clients)
    requests.push_back(&client->send("GET", path));
  return requests;
}

bool allDone(const std::vector<ClientRequest*>& requests) {
  return std::all_of(requests.begin(), requests.end(), [](const ClientRequest* r) { return r->done(); });
}

}  // namespace

TEST_CASE("ramp flow: one exchange at once, then more, in their order, all within the ramp") {
  ProxyWorld world(http2Peer());
  TestClient& client = world.client(true);
  outage(world);
  const TimePoint start = world.time.now();
  const auto requests = sendNumbered(client, 90);
  world.until([&] { return world.peerStats().held.get() == 89; });
  CHECK(world.remote.requests.size() <= 1);
  world.until([&] { return allDone(requests); });
  CHECK(world.time.now() - start >= milliseconds(70));  // 1 + 2 + 4 + 8 + 16 + 32 are too few: six steps
  CHECK(world.time.now() - start <= upstream::AdmissionRamp::kLength + milliseconds(10));
  for (size_t i = 0; i < requests.size(); ++i)
    CHECK(requests[i]->body == std::to_string(i));
  std::vector<int> order;
  for (const auto& request : world.remote.requests)
    order.push_back(std::stoi(request->body));
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(world.peerStats().rampedTotal.get() == 89);
  CHECK(world.peerStats().heldTotal.get() == 0);
  CHECK(world.peerStats().held.get() == 0);
}

TEST_CASE("ramp flow: more than the steps admit go at its end, and later ones without a limit") {
  ProxyWorld world(http2Peer());
  const auto clients = clientsFor(world, 600);
  outage(world);
  const auto requests = sendMany(clients, 600);
  world.until([&] { return allDone(requests); });
  CHECK(world.peerStats().rampedTotal.get() >= 345);
  const uint64_t ramped = world.peerStats().rampedTotal.get();
  world.run(upstream::AdmissionRamp::kLength);
  const auto later = sendMany(clients, 100);
  world.until([&] { return allDone(later); });
  CHECK(world.peerStats().rampedTotal.get() == ramped);
}

TEST_CASE("ramp flow: no more than a few connections at a time, and each exchange gets its own in the end") {
  ProxyWorld world;
  const auto clients = clientsEach(world, 100, false);
  outage(world);
  sendEach(clients, "/hang");
  uint64_t connecting = 0;
  world.until([&] {
    connecting = std::max(connecting, world.peerStats().connectionsConnecting.get());
    return world.remote.requests.size() == 100;
  });
  CHECK(connecting > 0);
  CHECK(connecting <= upstream::ConnectLimit::kReturning + 1);
}

TEST_CASE("ramp flow: an outage during the ramp fails those held at once, and the next ramp starts with one") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    ProxyWorld world;
    const auto clients = clientsEach(world, 10, http2);
    outage(world);
    const auto requests = sendEach(clients, "/hang");
    world.until([&] { return world.peerStats().held.get() >= 7; });
    world.die();
    world.until([&] { return allDone(requests); }, milliseconds(10));
    for (const ClientRequest* request : requests)
      CHECK(request->head.status == 503);
    world.change(Verdict::kAlive);
    const uint64_t ramped = world.peerStats().rampedTotal.get();
    const auto again = sendEach(clientsEach(world, 4, http2), "/ok");
    world.until([&] { return allDone(again); });
    CHECK(world.peerStats().rampedTotal.get() == ramped + 3);
  }
}

TEST_CASE("ramp flow: deadlines go on while held, and do not count against the peer") {
  ProxyWorld world([](ProxyOptions& o) {
    o.peers[0].protocol = upstream::Protocol::kHttp2;
    o.timeouts[0].request = milliseconds(60);
  });
  const auto clients = clientsFor(world, 200);
  outage(world);
  const auto requests = sendMany(clients, 200);
  world.until([&] { return allDone(requests); });
  const auto with = [&](int status) {
    return std::count_if(requests.begin(), requests.end(),
                         [status](const ClientRequest* r) { return r->head.status == status; });
  };
  CHECK(with(200) > 0);
  CHECK(with(200) + with(504) == 200);
  // Steps last 15 ms at least: of the 200 not more than 1 + 2 + 4 + 8 + 16 were sent in the 60 ms. The others say nothing
  // about the peer.
  CHECK(world.outcomes.seen.size() <= 31);
}

TEST_CASE("ramp flow: after a successful trial too") {
  ProxyWorld world(http2Peer());
  TestClient& client = world.client(true);
  world.change(Verdict::kAlive, CircuitState::kHalfOpen);
  world.answered(client);
  world.change(Verdict::kAlive);
  const auto requests = sendNumbered(client, 20);
  world.until([&] { return allDone(requests); });
  CHECK(world.peerStats().rampedTotal.get() == 19);
}

TEST_CASE("ramp flow: a trial whose stream was refused is sent again as the same trial") {
  ProxyWorld world(http2Peer());
  TestClient& client = world.client(true);
  world.change(Verdict::kAlive, CircuitState::kHalfOpen);
  ClientRequest& trial = client.send("PUT", "/refuse-once", "body");
  world.until([&] { return trial.done(); });
  CHECK(trial.head.status == 200);
}

TEST_CASE("ramp flow: the first verdict after the start is no outage") {
  ProxyWorld world(http2Peer());
  TestClient& client = world.client(true);
  world.change(Verdict::kUnknown);
  const auto requests = sendNumbered(client, 50);
  world.until([&] { return world.peerStats().held.get() == 50; });
  world.change(Verdict::kAlive);
  world.until([&] { return allDone(requests); });
  CHECK(world.peerStats().rampedTotal.get() == 0);
}
