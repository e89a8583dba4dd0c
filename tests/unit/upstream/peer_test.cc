// Goal: a peer's death reaches everything that is under way with it, at once and once, without stopping the loop; and
// whatever else becomes of it, nothing of it is left behind.
#include "peerpulse/upstream/peer.h"

#include "request_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;
using health::CircuitState;
using health::Verdict;
using http::Version;
using State = Request::State;

namespace {

constexpr Duration kUnit = microseconds(50);  // what failing one request takes where time counts

Wish hang(Version version = Version::kHttp2) {
  Wish wish;
  wish.path = "/hang";
  wish.method = "POST";  // never replayed
  wish.version = version;
  wish.trafficClass = TrafficClass::kStream;  // no deadline
  return wish;
}

std::vector<Owner*> sendMany(RequestWorld& w, size_t count, Version version = Version::kHttp2) {
  std::vector<Owner*> all;
  const size_t before = w.remote.requests.size();
  for (size_t i = 0; i < count; ++i)
    all.push_back(&w.ask(hang(version)));
  w.until([&] { return w.remote.requests.size() == before + count; });
  return all;
}

size_t failedOf(const std::vector<Owner*>& all) {
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), [](Owner* o) { return o->story().failed; }));
}

void slowFailures(RequestWorld& w, const std::vector<Owner*>& all) {
  for (Owner* owner : all) {
    owner->on = [&w](const std::string& event) {
      if (event == "failed") w.time.advanceTo(w.time.now() + kUnit);
    };
  }
}

/// Someone who must act before the requests fail.
struct Watcher : PeerWatcher {
  bool onPeerDead(const Failure& refusal, TimePoint) override {
    ++calls;
    detail = refusal.detail;
    if (whenCalled) whenCalled();
    return calls >= callsNeeded;
  }
  int calls = 0, callsNeeded = 1;
  std::string detail;
  std::function<void()> whenCalled;
};

uint64_t deathsMeasured(RequestWorld& w) { return w.peerStats().failInFlight.snapshot().count(); }

void die(RequestWorld& w) { w.change(Verdict::kDead, CircuitState::kOpen); }

}  // namespace

// --- death -----------------------------------------------------------------------------------------------------

TEST_CASE("peer: its death fails everything in flight at once, once, in every state") {
  for (const Version version : {Version::kHttp11, Version::kHttp2}) {
    CAPTURE(http::toString(version));
    RequestWorld w;
    auto all = sendMany(w, 20, version);
    w.remote.requests.front()->begin(200, 100);  // one of them is being answered
    w.settle();
    w.cutPath(true);
    for (int i = 0; i < 5; ++i)
      all.push_back(&w.ask(hang(Version::kHttp11)));  // and some wait for a connection
    die(w);
    CHECK(failedOf(all) == 25);
    for (Owner* owner : all) {
      CHECK(owner->story().ends == 1);
      CHECK(owner->story().failure.byCircuit);
      CHECK(owner->story().failure.party == Party::kSelf);
    }
    CHECK(w.peer().requestsInFlight() == 0);
    CHECK(w.peerStats().failedInFlightTotal.get() == 25);
    CHECK(w.outcomes.seen.size() == 1);  // of the one that was answered
    w.settle();
    CHECK(w.peer().connections() == 0);
    CHECK(w.network.openEnds(w.here) == 0);
    CHECK(w.peerStats().connectionsActive.get() + w.peerStats().connectionsConnecting.get() == 0);
  }
}

TEST_CASE("peer: its death is carried out in slices; the loop serves others between them") {
  RequestWorld w;
  const auto all = sendMany(w, 200);
  slowFailures(w, all);
  die(w);
  CHECK(failedOf(all) == event::SlicedWork::kSlice / kUnit);
  size_t before = failedOf(all);
  size_t mostInATurn = 0;
  w.until([&] {
    const size_t now = failedOf(all);
    mostInATurn = std::max(mostInATurn, now - before);
    before = now;
    return now == 200;
  });
  CHECK(mostInATurn <= event::SlicedWork::kSlice / kUnit);
  w.settle();
  CHECK(w.network.openEnds(w.here) == 0);
}

TEST_CASE("peer: those who wait for a connection are failed in slices, too") {
  RequestWorld w;
  w.cutPath(true);
  std::vector<Owner*> all;
  for (int i = 0; i < 200; ++i)
    all.push_back(&w.ask(hang(Version::kHttp11)));
  slowFailures(w, all);
  die(w);
  CHECK(failedOf(all) == event::SlicedWork::kSlice / kUnit);
  w.until([&] { return failedOf(all) == 200; });
  CHECK(w.peer().settled());
}

TEST_CASE("peer: those who stand for it act before its requests fail") {
  RequestWorld w;
  const auto all = sendMany(w, 3);
  Watcher patient, quick;
  patient.callsNeeded = 4;
  for (Watcher* watcher : {&patient, &quick})
    watcher->whenCalled = [&] { CHECK(failedOf(all) == 0); };
  w.peer().watch(patient);
  w.peer().watch(quick);
  die(w);
  CHECK(failedOf(all) == 0);
  CHECK(patient.calls == 1);
  CHECK(quick.calls == 1);  // nobody waits for another's slices
  CHECK(patient.detail == "circuit open: verdict dead, reason probe_silence");
  w.until([&] { return failedOf(all) == 3; });
  CHECK(patient.calls == 4);
}

TEST_CASE("peer: what a watcher ends counts as failed in flight") {
  RequestWorld w;
  const auto all = sendMany(w, 4);
  Watcher watcher;
  watcher.whenCalled = [&] {
    for (Owner* owner : all)
      owner->request().cancel();
  };
  w.peer().watch(watcher);
  die(w);
  CHECK(w.peerStats().failedInFlightTotal.get() == 4);
  CHECK(deathsMeasured(w) == 1);
}

TEST_CASE("peer: a watcher that has gone is not called") {
  RequestWorld w;
  {
    Watcher gone;
    w.peer().watch(gone);
  }
  Watcher stays;
  w.peer().watch(stays);
  die(w);
  CHECK(stays.calls == 1);
}

TEST_CASE("peer: failing in flight is measured once for each death that had any") {
  RequestWorld w;
  die(w);
  CHECK(deathsMeasured(w) == 0);
  for (uint64_t death = 1; death <= 3; ++death) {
    w.change(Verdict::kAlive);
    w.run(milliseconds(300));
    sendMany(w, 20);
    die(w);
    w.settle();
    CHECK(deathsMeasured(w) == death);
    CHECK(w.peerStats().failedInFlightTotal.get() == 20 * death);
  }
}

TEST_CASE("peer: told twice that it is dead, it dies once") {
  RequestWorld w;
  const auto all = sendMany(w, 5);
  die(w);
  die(w);
  w.settle();
  CHECK(failedOf(all) == 5);
  CHECK(deathsMeasured(w) == 1);
}

TEST_CASE("peer: back in the middle of its death, what was not failed yet is told when its connection ends") {
  RequestWorld w;
  const auto all = sendMany(w, 100);
  slowFailures(w, all);
  die(w);
  const size_t failed = failedOf(all);
  CHECK(failed < 100);
  w.outcomes.seen.clear();
  w.change(Verdict::kAlive);
  w.until([&] { return w.peer().requestsInFlight() == 0; });
  for (size_t i = 0; i < all.size(); ++i) {
    CHECK(all[i]->story().ends == 1);
    CHECK(all[i]->story().failure.byCircuit == (i < failed));
  }
  CHECK(w.outcomes.seen.size() <= 1);
  w.run(milliseconds(300));
  w.answered();
}

TEST_CASE("peer: a dead peer costs those of another nothing") {
  RequestWorld w;
  w.peers.apply(PeerSet(2, {w.peerOptions(), w.peerOptions(PeerId{1})}));
  Peer& other = *w.peers.find(PeerId{1});
  Story story;
  Owner healthy(other, story, hang(), w.context.options);
  w.publish(Verdict::kAlive, CircuitState::kClosed, PeerId{1});
  healthy.start();
  w.until([&] { return w.remote.requests.size() == 1; });
  sendMany(w, 10);
  die(w);
  w.settle();
  CHECK_FALSE(story.over());
  CHECK(other.requestsInFlight() == 1);
  CHECK(other.connections() == 1);
  w.remote.requests.front()->answer(200, "");
  w.until([&] { return story.closed; });
}

// --- other changes ---------------------------------------------------------------------------------------------

TEST_CASE("peer: refusing, stalled or opened by hand: what is in flight may end well, idle connections go") {
  for (const Verdict verdict : {Verdict::kRefusing, Verdict::kStalled, Verdict::kAlive}) {
    CAPTURE(health::toString(verdict));
    RequestWorld w;
    w.answered(Version::kHttp11);
    const auto all = sendMany(w, 1);
    CHECK(w.peer().connections() == 2);
    w.change(verdict, CircuitState::kOpen);
    w.settle();
    CHECK(failedOf(all) == 0);
    CHECK(w.peer().connections() == 1);
    w.remote.last().answer(200, "finished");
    w.until([&] { return all.front()->story().over(); });
    CHECK(all.front()->story().body == "finished");
    CHECK(deathsMeasured(w) == 0);
  }
}

TEST_CASE("peer: refusing or opened, those who wait for a connection are refused") {
  RequestWorld w;
  w.cutPath(true);
  Owner& waiting = w.ask(hang());
  w.change(Verdict::kRefusing, CircuitState::kOpen);
  CHECK(waiting.story().failure.type == ErrorType::kConnectionRefused);
  CHECK(waiting.story().failure.byCircuit);
}

TEST_CASE("peer: suspect, what its kernel said is told to the prober, each sign with its own time") {
  RequestWorld w;
  Owner& owner = w.send(hang());
  w.settle();
  const TimePoint heard = w.table.lastHeard(kPeer);
  w.run(seconds(2));
  w.loop.block(w.time.now() + milliseconds(30));
  w.remote.last().answer(200, "unread");
  w.run(milliseconds(20));
  const TimePoint came = w.time.now() - milliseconds(20);
  w.change(Verdict::kSuspect);
  CHECK(w.table.lastHeard(kPeer) > heard);
  CHECK(w.table.lastHeard(kPeer) <= came + milliseconds(1));
  CHECK(w.table.lastHeard(kPeer) >= came - milliseconds(20));  // by the kernel's tick
  CHECK_FALSE(owner.story().over());
}

TEST_CASE("peer: an idle connection's old ACK proves nothing new") {
  RequestWorld w;
  w.answered();
  w.run(seconds(5));
  const TimePoint before = w.table.lastKernelHeard(kPeer);
  w.change(Verdict::kSuspect);
  CHECK(w.table.lastKernelHeard(kPeer) < w.time.now() - seconds(4));
  CHECK(w.table.lastKernelHeard(kPeer) >= before);
}

TEST_CASE("peer: it tells how many were let through, how many wait, and since when the longest is held") {
  RequestWorld w;
  CHECK(w.peer().admitted() == 0);
  CHECK_FALSE(w.peer().heldSince());
  w.cutPath(true);
  w.ask(hang());
  w.ask(hang(Version::kHttp11));
  CHECK(w.peer().admitted() == 2);
  CHECK(w.peer().waiting() == 2);
  w.change(Verdict::kSuspect);
  const TimePoint first = w.time.now();
  Owner& held = w.ask(hang());
  w.run(milliseconds(20));
  w.ask(hang());
  CHECK(w.peer().heldSince() == first);
  held.request().cancel();
  CHECK(w.peer().heldSince() == first + milliseconds(20));
  w.change(Verdict::kAlive);
  CHECK_FALSE(w.peer().heldSince());
  CHECK(w.peer().admitted() == 3);
}

TEST_CASE("peer: a changed verdict wakes those who wait for a connection") {
  RequestWorld w;
  w.change(Verdict::kStalled);
  Owner& waiting = w.ask(hang());
  w.run(seconds(1));
  CHECK(w.remote.connections.empty());
  w.change(Verdict::kAlive);
  w.until([&] { return w.remote.requests.size() == 1; });
  CHECK(waiting.request().state() == State::kSending);
}

// --- its options -----------------------------------------------------------------------------------------------

TEST_CASE("peer: a peer known to speak h1 only gets h1, unless configured or gRPC") {
  RequestWorld w;
  http::RequestHead head;
  head.version = Version::kHttp2;
  CHECK(w.peer().protocolFor(head) == Protocol::kHttp2);
  w.table.publishProtocol(kPeer, health::PeerProtocol::kHttp1);
  CHECK(w.peer().protocolFor(head) == Protocol::kHttp1);
  head.headers.add("content-type", "application/grpc");
  CHECK(w.peer().protocolFor(head) == Protocol::kHttp2);
  w.peers.apply(PeerSet(2, {w.peerOptions(kPeer, Protocol::kHttp2)}));
  head.headers = http::HeaderList();
  CHECK(w.peer().protocolFor(head) == Protocol::kHttp2);
}

TEST_CASE("peer: when its address changes, new requests go there and those under way end where they are") {
  RequestWorld w;
  MemoryPeer moved(w.network, w.there, w.remoteLoop, w.remoteIo, *SocketAddress::parse("10.0.0.2:9001"));
  w.answered(Version::kHttp11);
  Owner& old = w.send(hang());
  w.cutPath(true);
  Owner& connecting = w.ask(hang(Version::kHttp11));
  w.cutPath(false);
  PeerOptions options = *w.peerOptions();
  options.address = moved.listener.address();
  w.peers.apply(PeerSet(2, {std::make_shared<const PeerOptions>(options)}));
  for (const Version version : {Version::kHttp11, Version::kHttp2}) {
    Wish wish;
    wish.version = version;
    Owner& next = w.ask(wish);
    w.until([&] { return next.story().over(); });
    CHECK(next.story().closed);
  }
  CHECK(moved.requests.size() == 3);
  CHECK(connecting.request().state() == State::kSending);
  CHECK_FALSE(old.story().over());
  CHECK(w.peerStats().connectionsConnecting.get() == 0);
  CHECK(w.network.openEnds(w.here) == 4);  // the one to the old address that was being opened is closed
  w.remote.last().answer(200, "");
  w.until([&] { return old.story().closed; });
  w.settle();
  CHECK(w.remote.openConnections() == 0);
  moved.connections.clear();
}

namespace {

/// The peer by a name, which leads nowhere yet.
void name(RequestWorld& w) {
  PeerOptions options = *w.peerOptions();
  options.address = Endpoint::parse("node2.example:9000").value();
  w.peers.apply(PeerSet(2, {std::make_shared<const PeerOptions>(options)}));
}

}  // namespace

TEST_CASE("peer: requests to a name wait until it leads somewhere, and those under way end where they are") {
  RequestWorld w;
  name(w);
  Owner& first = w.ask(hang());
  w.run(milliseconds(500));
  CHECK(first.request().state() == State::kWaiting);
  w.peer().setAddresses({{w.remote.listener.address()}});
  w.until([&] { return w.remote.requests.size() == 1; });

  MemoryPeer moved(w.network, w.there, w.remoteLoop, w.remoteIo, *SocketAddress::parse("10.0.0.2:9001"));
  w.peer().setAddresses({{moved.listener.address()}});
  Owner& second = w.ask(Wish{});
  w.until([&] { return second.story().over(); });
  CHECK(second.story().closed);
  CHECK(moved.requests.size() == 1);
  CHECK_FALSE(first.story().over());
  w.remote.last().answer(200, "");
  w.until([&] { return first.story().closed; });
  w.settle();
  CHECK(w.remote.openConnections() == 0);
  moved.connections.clear();
}

TEST_CASE("peer: a name that leads nowhere fails who waits for it at once, and nobody is to blame") {
  RequestWorld w;
  name(w);
  Owner& waiting = w.ask(hang());
  Failure why;
  why.type = ErrorType::kDnsError;
  why.party = Party::kHost;
  w.peer().addressesFailed(why);
  w.until([&] { return waiting.story().over(); });
  CHECK(waiting.story().failed);
  CHECK(waiting.story().failure.type == ErrorType::kDnsError);
  Owner& next = w.ask(hang());
  w.until([&] { return next.story().over(); });
  CHECK(next.story().failure.type == ErrorType::kDnsError);
  CHECK(w.outcomes.seen.empty());
}

TEST_CASE("peer: a name without any answer fails by the connect timeout, and nobody is to blame") {
  RequestWorld w;
  name(w);
  Owner& waiting = w.ask(hang());
  w.until([&] { return waiting.story().over(); });
  CHECK(waiting.story().failure.type == ErrorType::kDnsTimeout);
  CHECK(waiting.story().failure.party == Party::kHost);
  CHECK(w.outcomes.seen.empty());
}

TEST_CASE(
    "peer: its link is the way to it, over HTTP/2; who prefers one goes directly while there is none, and comes "
    "back") {
  for (const LinkMode mode : {LinkMode::kPrefer, LinkMode::kRequire}) {
    CAPTURE(toString(mode));
    RequestWorld w;
    MemoryPeer link(w.network, w.there, w.remoteLoop, w.remoteIo, *SocketAddress::parse("10.0.0.2:9443"));
    PeerOptions options = *w.peerOptions();
    options.link.mode = mode;
    options.link.address = link.listener.address();
    w.peers.apply(PeerSet(2, {std::make_shared<const PeerOptions>(options)}));
    const auto ask = [&](bool upgrade = false) {
      Wish wish;
      wish.version = Version::kHttp11;
      if (upgrade) wish.upgrade = "websocket";
      Owner& owner = w.ask(wish);
      w.until([&] { return owner.story().over(); });
      return owner.story().status;
    };
    CHECK(ask() == 200);
    CHECK(link.last().head.version == Version::kHttp2);
    ask(true);
    CHECK(link.last().head.version == Version::kHttp11);
    CHECK(w.remote.requests.empty());
    CHECK(w.peer().options().address == Endpoint(w.remote.listener.address()));  // what it is called

    w.table.publishDirect(kPeer, true);
    w.peer().onLinkChange();
    const size_t byLinkSoFar = link.requests.size();
    CHECK(ask() == 200);
    if (mode == LinkMode::kRequire) {
      CHECK(w.remote.requests.empty());
      CHECK(link.requests.size() == byLinkSoFar + 1);
    } else {
      CHECK(link.requests.size() == byLinkSoFar);
      REQUIRE(w.remote.requests.size() == 1);
      CHECK(w.remote.last().head.version == Version::kHttp11);
      w.table.publishDirect(kPeer, false);
      w.peer().onLinkChange();
      w.settle();
      CHECK(w.remote.openConnections() == 0);
      CHECK(ask() == 200);
      CHECK(link.requests.size() == byLinkSoFar + 1);
    }
    link.connections.clear();
  }
}

TEST_CASE("peer: options that change something else leave its connections alone") {
  RequestWorld w;
  w.answered();
  PeerOptions options = *w.peerOptions();
  options.zone = "dc2";
  w.peers.apply(PeerSet(2, {std::make_shared<const PeerOptions>(options)}));
  CHECK(w.peer().options().zone == "dc2");
  w.answered();
  CHECK(w.remote.connections.size() == 1);
}

// --- its end ---------------------------------------------------------------------------------------------------

TEST_CASE("peer: draining closes idle connections, and lets the others end") {
  RequestWorld w;
  w.answered(Version::kHttp11);
  const auto all = sendMany(w, 1);
  w.peer().drain();
  w.settle();
  CHECK(w.peer().connections() == 1);
  w.remote.last().answer(200, "");
  w.until([&] { return all.front()->story().closed; });
}

TEST_CASE("peer: sweeping a thousand superfluous connections does not stop the loop") {
  RequestWorld w;
  for (int i = 0; i < 128; ++i) {
    Wish wish;
    wish.version = Version::kHttp11;
    w.ask(wish);
  }
  w.until([&] { return w.peerStats().connectionsIdle.get() == 128; });
  w.run(seconds(20));
  w.loop.setTurnCost(microseconds(10));
  w.peer().sweep(w.time.now());
  w.settle();
  CHECK(w.peer().connections() == 10);  // max_idle
}

TEST_CASE("peer: retired, everything ends for a reason of our own") {
  RequestWorld w;
  auto all = sendMany(w, 5);
  w.cutPath(true);
  all.push_back(&w.ask(hang(Version::kHttp11)));
  w.change(Verdict::kSuspect);
  all.push_back(&w.ask(hang()));  // held
  w.invariant = nullptr;
  w.peer().retire();
  CHECK(failedOf(all) == 7);
  for (Owner* owner : all) {
    CHECK(owner->story().failure.type == ErrorType::kDestinationUnavailable);
    CHECK(owner->story().failure.party == Party::kSelf);
    CHECK_FALSE(owner->story().failure.byCircuit);
  }
  CHECK(w.peer().connections() == 0);
  CHECK(w.network.openEnds(w.here) == 0);
  CHECK(w.outcomes.seen.empty());
}
