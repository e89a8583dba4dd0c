// Goal: a worker's peers are those of the last set applied: new ones are there, removed ones are gone for whoever asks,
// and what was theirs has ended.
#include "peerpulse/upstream/peers.h"

#include "request_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;

namespace {

constexpr PeerId kOther{1};

Wish hang() {
  Wish wish;
  wish.path = "/hang";
  return wish;
}

}  // namespace

TEST_CASE("peers: those of the set are there, others are not") {
  World w;
  Peers peers(w.context);
  CHECK(peers.find(kPeer) == nullptr);
  peers.apply(PeerSet(1, {w.peerOptions(kPeer), w.peerOptions(PeerId{3})}));
  REQUIRE(peers.find(kPeer) != nullptr);
  CHECK(peers.find(kPeer)->id() == kPeer);
  CHECK(peers.find(PeerId{3})->options().name == "node5");
  CHECK(peers.find(PeerId{1}) == nullptr);
  CHECK(peers.find(PeerId{999}) == nullptr);
  CHECK(peers.find(makePeerId(0, 1)) == nullptr);
  size_t count = 0;
  peers.forEach([&](Peer&) { ++count; });
  CHECK(count == 2);
}

TEST_CASE("peers: who stays is the same object, with the options of the new set") {
  World w;
  Peers peers(w.context);
  peers.apply(PeerSet(1, {w.peerOptions()}));
  Peer* const before = peers.find(kPeer);
  PeerOptions changed = *w.peerOptions();
  changed.zone = "dc2";
  const auto options = std::make_shared<const PeerOptions>(changed);
  peers.apply(PeerSet(2, {options, w.peerOptions(kOther)}));
  CHECK(peers.find(kPeer) == before);
  CHECK(before->optionsRef() == options);
  CHECK(peers.find(kOther) != nullptr);
}

TEST_CASE("peers: removed, its requests end for a reason of our own, and those of the others go on") {
  RequestWorld w;
  w.peers.apply(PeerSet(2, {w.peerOptions(), w.peerOptions(kOther)}));
  w.publish(health::Verdict::kAlive, health::CircuitState::kClosed, kOther);
  Story otherStory;
  Owner other(*w.peers.find(kOther), otherStory, hang(), w.context.options);
  other.start();
  Owner& owner = w.ask(hang());
  w.until([&] { return w.remote.requests.size() == 2; });
  w.peers.apply(PeerSet(3, {w.peerOptions(kOther)}));
  CHECK(w.peers.find(kPeer) == nullptr);
  CHECK(owner.story().failed);
  CHECK(owner.story().failure.party == Party::kSelf);
  CHECK(owner.story().failure.detail.find("removed") != std::string::npos);
  CHECK_FALSE(otherStory.over());
  w.settle();
  CHECK(w.network.openEnds(w.here) == 1);
  CHECK(w.outcomes.seen.empty());
}

TEST_CASE("peers: a post to a peer that has gone finds nobody") {
  RequestWorld w;
  int found = 0, posted = 0;
  const auto post = [&](PeerId id) {
    w.loop.post([&, id] {
      ++posted;
      if (Peer* peer = w.peers.find(id)) {
        ++found;
        peer->onCircuitChange(w.time.now());
      }
    });
  };
  post(kPeer);
  w.settle();
  CHECK(found == 1);
  post(kPeer);
  w.peers.apply(PeerSet(2, {}));
  w.settle();
  CHECK(posted == 2);
  CHECK(found == 1);
}

TEST_CASE("peers: who is told of a removal does not find the removed any more") {
  RequestWorld w;
  Owner& owner = w.send(hang());
  bool asked = false;
  owner.on = [&](const std::string&) {
    asked = true;
    CHECK(w.peers.find(kPeer) == nullptr);
  };
  w.peers.apply(PeerSet(2, {}));
  CHECK(asked);
}

TEST_CASE("peers: removed from inside its own callback, it lives until the turn ends") {
  RequestWorld w;
  Owner& owner = w.send(hang());
  const Peer* const peer = w.peers.find(kPeer);
  owner.on = [&](const std::string& event) {
    if (event != "head") return;
    w.peers.apply(PeerSet(2, {}));
    CHECK(peer->id() == kPeer);
  };
  w.remote.last().answer(200, "too late");
  w.settle();
  CHECK(owner.story().events == "head failed");
}

TEST_CASE("peers: a slot serves the next peer under another epoch") {
  RequestWorld w;
  Owner& old = w.send(hang());
  const PeerId next = makePeerId(slot(kPeer), 1);
  w.table.adopt(next);
  w.peers.apply(PeerSet(2, {w.peerOptions(next)}));
  CHECK(old.story().failed);
  CHECK(w.peers.find(kPeer) == nullptr);
  REQUIRE(w.peers.find(next) != nullptr);
  CHECK(w.peers.find(next)->id() == next);
  w.publish(health::Verdict::kAlive, health::CircuitState::kClosed, next);
  w.settle();
  Story story;
  Wish wish;
  Owner owner(*w.peers.find(next), story, wish, w.context.options);
  owner.start();
  w.until([&] { return story.over(); });
  CAPTURE(story.failure.detail);
  CHECK(story.closed);
  REQUIRE_FALSE(w.outcomes.seen.empty());
  CHECK(w.outcomes.seen.back().peer == next);
}

TEST_CASE("peers: destroyed with requests under way, these end first") {
  World w;
  Story story;
  auto peers = std::make_unique<Peers>(w.context);
  peers->apply(PeerSet(1, {w.peerOptions()}));
  Owner owner(*peers->find(kPeer), story, hang(), w.context.options);
  owner.start();
  w.until([&] { return w.remote.requests.size() == 1; });
  peers.reset();
  CHECK(story.failed);
  CHECK(story.failure.party == Party::kSelf);
  w.settle();
  CHECK(w.network.openEnds(w.here) == 0);
}
