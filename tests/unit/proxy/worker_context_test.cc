// Goal: a new snapshot is what new exchanges and connections begin with, and the peers are its peers.
#include "peerpulse/proxy/worker_context.h"

#include "proxy_world.h"

using namespace peerpulse;
using namespace peerpulse::proxy;
using namespace peerpulse::proxy::test;

TEST_CASE("worker context: it begins with its first snapshot") {
  ProxyWorld w([](ProxyOptions& o) { o.bufferLimit = 100'000; });
  CHECK(w.context->snapshot.get() == w.snapshot.get());
  CHECK(&w.context->options() == &w.snapshot->options);
  CHECK(w.context->upstream.options.get() == &w.snapshot->options);
  CHECK(w.context->limits.streamWindow == 100'000);
  CHECK(w.context->upstream.limits.streamWindow == 100'000);
  CHECK(w.context->peers.find(kPeer) != nullptr);
}

TEST_CASE("worker context: another snapshot replaces all of it") {
  ProxyWorld w;
  const SnapshotRef old = w.snapshot;
  upstream::Peer* const before = w.context->peers.find(kPeer);
  w.apply([](ProxyOptions& o) {
    o.bufferLimit = 50'000;
    o.holdFor = milliseconds(7);
    o.peers.push_back(o.peers[0]);
    o.peers[1].id = PeerId{1};
    o.peers[1].name = "node3";
  });
  CHECK(w.context->snapshot->version == old->version + 1);
  CHECK(w.context->options().holdFor == milliseconds(7));
  CHECK(w.context->upstream.options->holdFor == milliseconds(7));
  CHECK(w.context->limits.streamWindow == 50'000);
  CHECK(w.context->upstream.limits.streamWindow == 50'000);
  CHECK(w.context->peers.find(kPeer) == before);
  CHECK(w.context->peers.find(PeerId{1}) != nullptr);
}

TEST_CASE("worker context: the old snapshot goes with the last exchange that began with it") {
  ProxyWorld w;
  std::weak_ptr<const Snapshot> watched = w.snapshot;
  TestClient& client = w.client(true);
  ClientRequest& request = w.sent(client, "GET", "/hang");
  w.apply({});
  CHECK_FALSE(watched.expired());
  w.remote.last().answer(200, "");
  w.until([&] { return request.done(); });
  w.settle();
  CHECK(watched.expired());
}

TEST_CASE("worker context: time that the loop lost is known") {
  ProxyWorld w;
  w.loop.block(w.time.now() + seconds(5));
  w.run(seconds(6));
  CHECK(w.context->upstream.loopTime.lost > seconds(4));
}
