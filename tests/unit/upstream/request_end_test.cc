// Goal: a request ends exactly once, whatever its owner does to it and from wherever.
// Method: as request_test.
#include "peerpulse/upstream/request.h"
#include "request_fixture.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;
using health::CircuitState;
using health::Verdict;
using http::Version;
using State = Request::State;

namespace {

constexpr Version kVersions[] = {Version::kHttp11, Version::kHttp2};

Wish wish(std::string path, Version version = Version::kHttp2, std::string body = "") {
  Wish w;
  w.path = std::move(path);
  w.version = version;
  w.body = std::move(body);
  return w;
}

// A request in each of its states.
struct Stage {
  State state;
  std::function<Owner&(RequestWorld&)> reach;
};

std::vector<Stage> stages() {
  return {
      {State::kHeld,
       [](RequestWorld& w) -> Owner& {
         w.change(Verdict::kSuspect);
         return w.ask(wish("/hang"));
       }},
      {State::kWaiting, [](RequestWorld& w) -> Owner& { return w.ask(wish("/hang")); }},
      {State::kSending, [](RequestWorld& w) -> Owner& { return w.send(wish("/hang")); }},
      {State::kAnswering,
       [](RequestWorld& w) -> Owner& {
         Owner& owner = w.send(wish("/test"));
         w.remote.last().begin(200, 100);
         w.settle();
         return owner;
       }},
      {State::kAnswered,
       [](RequestWorld& w) -> Owner& {
         Wish tunnel = wish("/tunnel", Version::kHttp11);
         tunnel.upgrade = "test";
         Owner& owner = w.send(tunnel);
         w.remote.last().switchProtocols();
         w.settle();
         w.remote.last().stream->sendEnd();
         w.settle();
         return owner;
       }},
      {State::kBackingOff,
       [](RequestWorld& w) -> Owner& {
         w.remote.onRequest = [](ServedRequest& request) { request.refuse(); };
         Owner& owner = w.send(wish("/ok"));
         w.until([&] { return w.remote.requests.size() == 2; });
         w.until([&] { return owner.request().state() == State::kBackingOff; });
         w.remote.onRequest = nullptr;
         return owner;
       }},
      {State::kEnded,
       [](RequestWorld& w) -> Owner& {
         Owner& owner = w.ask(wish("/ok"));
         w.until([&] { return owner.story().over(); });
         return owner;
       }},
  };
}

}  // namespace

TEST_CASE("request: cancelled or destroyed in any state, nothing is told and nothing is left") {
  for (const Stage& stage : stages()) {
    for (const bool destroyed : {false, true}) {
      CAPTURE(toString(stage.state));
      CAPTURE(destroyed);
      RequestWorld w;
      Owner& owner = stage.reach(w);
      REQUIRE(owner.request().state() == stage.state);
      const size_t sent = w.remote.requests.size();
      const Story& story = w.stories.back();
      const Story before = story;
      if (destroyed) {
        w.drop(owner);
        w.loop.clearDeferred();
      } else {
        owner.request().cancel();
        owner.request().cancel();
        CHECK(owner.request().ended());
      }
      w.run(seconds(1));
      CHECK(story.events == before.events);
      CHECK(w.peer().requestsHeld() + w.peer().requestsInFlight() == 0);
      CHECK(w.remote.requests.size() == sent);
      const bool onTheWire =
          stage.state == State::kSending || stage.state == State::kAnswering || stage.state == State::kAnswered;
      if (onTheWire) CHECK(w.remote.last().gone);
      w.change(Verdict::kAlive);
      w.answered();
    }
  }
}

TEST_CASE("request: cancelled or destroyed from inside any callback, nothing follows") {
  for (const Version version : kVersions) {
    for (const bool destroyed : {false, true}) {
      for (const std::string at : {"1xx", "head", "data", "trailers", "end", "sent", "closed"}) {
        CAPTURE(http::toString(version));
        CAPTURE(destroyed);
        CAPTURE(at);
        RequestWorld w;
        w.remote.onRequest = [](ServedRequest& request) {
          if (request.head.path != "/test") return;
          request.inform(103);
          http::HeaderList trailers;
          trailers.add("checksum", "1");
          request.answer(200, "answer", trailers);
        };
        Owner& owner = w.make(wish("/test", version, "some body"));
        bool reached = false;
        owner.on = [&](const std::string& event) {
          if (event != at || reached) return;
          reached = true;
          if (destroyed) {
            w.drop(owner);
          } else {
            owner.request().cancel();
          }
        };
        owner.start();
        w.run(milliseconds(20));
        CHECK(reached);
        const Story& story = w.stories.front();
        if (!destroyed) {  // destroyed at the turn's end: what came before it was told
          CHECK(story.ends == (at == "closed" ? 1 : 0));
          CHECK(story.events.ends_with(at == "1xx" ? "103" : at));
        }
        CHECK(w.peer().requestsInFlight() == 0);
        w.answered(version);
      }
    }
  }
}

TEST_CASE("request: destroyed from inside its failure") {
  const char* how = "";
  RequestWorld w;
  SUBCASE("by the circuit, from inside start()") {
    how = "start";
    w.change(Verdict::kDead, CircuitState::kOpen);
    Owner& owner = w.make(wish("/ok"));
    owner.on = [&](const std::string&) { w.drop(owner); };
    owner.start();
  }
  SUBCASE("by the peer's death") {
    how = "death";
    Owner& owner = w.send(wish("/hang"));
    owner.on = [&](const std::string&) { w.drop(owner); };
    w.change(Verdict::kDead, CircuitState::kOpen);
  }
  SUBCASE("by its deadline") {
    how = "deadline";
    Owner& owner = w.send(wish("/hang"));
    owner.on = [&](const std::string&) { w.drop(owner); };
    w.run(seconds(11));
  }
  SUBCASE("by a failed connect") {
    how = "connect";
    w.remote.listener.refuse();
    Owner& owner = w.ask(wish("/ok"));
    owner.on = [&](const std::string&) { w.drop(owner); };
    w.run(milliseconds(100));
  }
  SUBCASE("by a lost connection") {
    how = "loss";
    Owner& owner = w.send(wish("/hang"));
    owner.on = [&](const std::string&) { w.drop(owner); };
    w.remote.connections.front()->abort();
    w.settle();
  }
  SUBCASE("with its peer") {
    how = "gone";
    Owner& owner = w.send(wish("/hang"));
    owner.on = [&](const std::string&) { w.drop(owner); };
    w.peers.apply(PeerSet(2, {}));
  }
  CAPTURE(how);
  w.loop.clearDeferred();
  CHECK(w.stories.front().events == "failed");
  CHECK(w.owners.empty());
}

TEST_CASE("request: a failure may start the next one") {
  RequestWorld w;
  w.remote.listener.refuse();
  Owner& first = w.make(wish("/ok", Version::kHttp11));
  Owner* second = nullptr;
  first.on = [&](const std::string&) {
    w.remote.listener.listen();
    second = &w.ask(wish("/ok", Version::kHttp11));
  };
  first.start();
  w.until([&] { return second != nullptr && second->story().over(); });
  CHECK(second->story().closed);
}

TEST_CASE("request: after the end its owner may go on talking to it") {
  RequestWorld w;
  w.change(Verdict::kDead, CircuitState::kOpen);
  Owner& owner = w.ask(wish("/ok"));
  REQUIRE(owner.story().failed);
  owner.give("bytes");
  owner.giveEnd();
  owner.request().consumed(100);
  owner.request().cancel();
  CHECK(owner.story().events == "failed");
}
