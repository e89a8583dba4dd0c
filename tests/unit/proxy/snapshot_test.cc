// Goal: a snapshot is one version of the configuration for whoever pins it, and each worker counts its own references.
#include "peerpulse/proxy/snapshot.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::proxy;

namespace {

ProxyOptions twoPeers() {
  ProxyOptions options;
  options.holdFor = milliseconds(123);
  options.routes = {{"default", "", "", "", upstream::TrafficClass::kControl}};
  options.peers.resize(2);
  options.peers[0].id = makePeerId(0, 0);
  options.peers[0].name = "node2";
  options.peers[0].onDead = OnDead::kRefuse;
  options.peers[1].id = makePeerId(4, 2);
  options.peers[1].name = "node3";
  options.peers[1].zone = "dc1";
  options.peers[1].address = *SocketAddress::parse("10.0.0.3:9000");
  return options;
}

}  // namespace

TEST_CASE("snapshot: its peer set is of its options, in the same version") {
  const Snapshot snapshot(5, twoPeers());
  CHECK(snapshot.version == 5);
  CHECK(snapshot.peers.version() == 5);
  CHECK(snapshot.peers.size() == 2);
  const auto* peer = snapshot.peers.find("node3");
  REQUIRE(peer != nullptr);
  CHECK((*peer)->id == makePeerId(4, 2));
  CHECK((*peer)->zone == "dc1");
  CHECK((*peer)->address == snapshot.options.peers[1].address);
}

TEST_CASE("snapshot: the own store is a peer, and no node of the cluster") {
  ProxyOptions options = twoPeers();
  options.peers[1].role = Role::kStore;
  const Snapshot snapshot(5, options);
  CHECK(snapshot.peers.size() == 2);
  CHECK(snapshot.nodes.size() == 1);
  CHECK(snapshot.nodes.version() == 5);
  CHECK(snapshot.nodes.find("node3") == nullptr);
  REQUIRE(snapshot.nodes.find("node2") != nullptr);
  CHECK(*snapshot.nodes.find("node2") == *snapshot.peers.find("node2"));
}

TEST_CASE("snapshot: a peer's options are found by its id, of this version only") {
  const Snapshot snapshot(5, twoPeers());
  REQUIRE(snapshot.find(makePeerId(4, 2)) != nullptr);
  CHECK(snapshot.find(makePeerId(4, 2))->name == "node3");
  CHECK(snapshot.find(makePeerId(0, 0))->onDead == OnDead::kRefuse);
  CHECK(snapshot.find(makePeerId(4, 1)) == nullptr);
  CHECK(snapshot.find(makePeerId(7, 0)) == nullptr);
}

TEST_CASE("snapshot: upstream pins the whole of it through its own options") {
  SnapshotRef snapshot = std::make_shared<const Snapshot>(1, twoPeers());
  const std::weak_ptr<const Snapshot> watched = snapshot;
  upstream::OptionsRef options = upstreamOptions(snapshot);
  CHECK(options.get() == &snapshot->options);
  snapshot.reset();
  CHECK_FALSE(watched.expired());
  CHECK(options->holdFor == milliseconds(123));
  options.reset();
  CHECK(watched.expired());
}

TEST_CASE("snapshot: a worker's reference is its own, and keeps the shared one by one count") {
  SnapshotRef shared = std::make_shared<const Snapshot>(1, twoPeers());
  SnapshotRef worker = ofWorker(shared);
  CHECK(worker.get() == shared.get());
  CHECK(shared.use_count() == 2);
  const std::vector<SnapshotRef> exchanges(100, worker);
  CHECK(shared.use_count() == 2);  // however many pin it there
  const std::weak_ptr<const Snapshot> watched = shared;
  shared.reset();
  CHECK_FALSE(watched.expired());
  CHECK(worker->version == 1);
}

TEST_CASE("snapshot: it goes with the last of those who pinned it") {
  SnapshotRef shared = std::make_shared<const Snapshot>(1, twoPeers());
  const std::weak_ptr<const Snapshot> watched = shared;
  SnapshotRef worker = ofWorker(std::move(shared));
  upstream::OptionsRef exchange = upstreamOptions(worker);
  worker.reset();
  CHECK_FALSE(watched.expired());
  exchange.reset();
  CHECK(watched.expired());
}
