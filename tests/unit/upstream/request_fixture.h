// Requests to one peer of a World, and what their owners are told. After every step of the world the peer's pools and
// lists are consistent.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "peerpulse/upstream/peers.h"
#include "pool.h"
#include "world.h"

namespace peerpulse::upstream::test {

/// What one owner was told.
struct Story {
  std::string events;  ///< "head data end closed"; repetitions once
  int status = 0;
  std::string body;
  http::HeaderList trailers;
  uint64_t credit = 0;
  Failure failure;
  int ends = 0;
  bool closed = false, failed = false;
  bool over() const { return ends > 0; }
};

/// How a request is made.
struct Wish {
  std::string path = "/ok";
  std::string method = "GET";
  std::string body;         ///< given at once, with its end, unless...
  bool bodyByHand = false;  ///< the test gives a body
  http::Version version = http::Version::kHttp2;
  TrafficClass trafficClass = TrafficClass::kControl;
  std::optional<Duration> deadline;
  std::optional<Duration> patience;
  bool apart = false;
  std::optional<size_t> replayLimit;
  std::string upgrade;
  bool secondBody = false;
  std::string authority = "peer";
  http::HeaderList headers;
  std::optional<uint64_t> contentLength;
};

class Owner final : public RequestOwner, public event::DeferredDeletable {
 public:
  Owner(Peer& peer, Story& story, const Wish& wish, OptionsRef options)
      : story_(story),
        head_(headOf(wish)),
        request_(peer, specOf(wish, std::move(options)), *this),
        body_(wish.body) {}

  void start() {
    request_.start();
    if (body_.empty() || request_.ended()) return;
    give(body_);
    if (!request_.ended()) giveEnd();
  }
  Request& request() { return request_; }
  Story& story() { return story_; }
  void give(std::string_view text) { give(Slice::copyOf(text)); }
  void give(Slice data) {
    given_ += data.size();
    request_.sendData(std::move(data));
  }
  void giveBodyEnd() { request_.sendBodyEnd(); }
  void giveEnd() { request_.sendEnd({}); }
  /// Lets go of what it has not let go of yet.
  void consume() { request_.consumed(std::exchange(unconsumed_, 0)); }

  bool consumes = true;
  std::function<void(const std::string& event)> on;

 private:
  http::RequestHead headOf(const Wish& wish) const {
    http::RequestHead head;
    head.method = wish.body.empty() && !wish.bodyByHand ? wish.method : wish.method == "GET" ? "PUT" : wish.method;
    head.path = wish.path;
    head.authority = wish.authority;
    head.version = wish.version;
    head.upgrade = wish.upgrade;
    head.secondBody = wish.secondBody;
    head.headers = wish.headers;
    head.contentLength = wish.contentLength;
    if (wish.contentLength) head.headers.add("content-length", std::to_string(*wish.contentLength));
    head.complete = wish.body.empty() && !wish.bodyByHand;
    return head;
  }
  RequestSpec specOf(const Wish& wish, OptionsRef options) const {
    RequestSpec spec;
    spec.head = &head_;
    spec.trafficClass = wish.trafficClass;
    spec.options = std::move(options);
    spec.deadline = wish.deadline;
    spec.patience = wish.patience;
    spec.apart = wish.apart;
    if (wish.replayLimit) spec.replayLimit = *wish.replayLimit;
    return spec;
  }
  void tell(const std::string& what) {
    CHECK_MESSAGE(story_.ends == 0, what << " after the end");
    if (!story_.events.ends_with(what)) story_.events += (story_.events.empty() ? "" : " ") + what;
  }
  void hook(const std::string& what) {
    if (!on) return;
    const auto copy = on;
    copy(what);
  }

  void onInformational(http::ResponseHead&& head) override {
    tell(std::to_string(head.status));
    hook("1xx");
  }
  void onResponseHead(http::ResponseHead&& head) override {
    story_.status = head.status;
    tell("head");
    hook("head");
  }
  void onResponseData(Slice data) override {
    story_.body += data.view();
    tell("data");
    unconsumed_ += data.size();
    if (consumes) consume();
    hook("data");
  }
  void onResponseTrailers(http::HeaderList&& trailers) override {
    story_.trailers = std::move(trailers);
    tell("trailers");
    hook("trailers");
  }
  void onResponseEnd() override {
    tell("end");
    hook("end");
  }
  void onRequestBodySent(size_t n) override {
    story_.credit += n;
    CHECK(n > 0);
    CHECK(story_.credit <= given_);
    tell("sent");
    hook("sent");
  }
  void onRequestClosed() override {
    CHECK(request_.ended());
    tell("closed");
    ++story_.ends;
    story_.closed = true;
    hook("closed");
  }
  void onRequestFailed(const Failure& failure) override {
    CHECK(request_.ended());
    tell("failed");
    ++story_.ends;
    story_.failed = true;
    story_.failure = failure;
    hook("failed");
  }

  Story& story_;
  const http::RequestHead head_;
  Request request_;
  const std::string body_;
  uint64_t given_ = 0;
  size_t unconsumed_ = 0;
};

struct RequestWorld : World {
  explicit RequestWorld(const Configure& configure = {}, Protocol protocol = Protocol::kAuto)
      : World(configure), peers(context) {
    peers.apply(PeerSet(1, {peerOptions(kPeer, protocol)}));
    invariant = [this] { return consistent(); };
  }
  ~RequestWorld() {
    invariant = nullptr;
    owners.clear();
    loop.clearDeferred();
  }

  Peer& peer() { return *peers.find(kPeer); }
  Owner& make(const Wish& wish) {
    stories.emplace_back();
    owners.push_back(std::make_unique<Owner>(peer(), stories.back(), wish, context.options));
    return *owners.back();
  }
  Owner& ask(const Wish& wish = {}) {
    Owner& owner = make(wish);
    owner.start();
    CHECK(consistent());
    return owner;
  }
  /// Asked, and seen by the peer.
  Owner& send(const Wish& wish) {
    const size_t before = remote.requests.size();
    Owner& owner = ask(wish);
    until([&] { return remote.requests.size() > before; });
    return owner;
  }
  /// Leaves an idle connection behind.
  void answered(http::Version version = http::Version::kHttp2, TrafficClass trafficClass = TrafficClass::kControl) {
    Wish wish;
    wish.version = version;
    wish.trafficClass = trafficClass;
    Owner& owner = ask(wish);
    until([&] { return owner.story().over(); });
    CHECK(owner.story().closed);
    settle();
    outcomes.seen.clear();
  }
  /// What an owner does that has lost its interest while its request is on the stack.
  void drop(Owner& owner) {
    const auto at = std::find_if(owners.begin(), owners.end(), [&](const auto& o) { return o.get() == &owner; });
    REQUIRE(at != owners.end());
    loop.deferredDelete(std::move(*at));
    owners.erase(at);
  }
  void change(health::Verdict verdict, health::CircuitState circuit = health::CircuitState::kClosed) {
    publish(verdict, circuit);
    peer().onCircuitChange(time.now());
    CHECK(consistent());
  }
  void cutPath(bool on) { network.cutBothWays(here, there, on); }

  /// Lists, gauges and pools agree with the requests' states.
  bool consistent() {
    if (peers.find(kPeer) == nullptr) return true;
    size_t held = 0, inFlight = 0;
    for (const auto& owner : owners) {
      using State = Request::State;
      const State state = owner->request().state();
      if (state == State::kHeld) ++held;
      if (state != State::kHeld && state != State::kAdmitting && state != State::kEnded) ++inFlight;
    }
    return peer().settled() && held == peer().requestsHeld() && held == peerStats().held.get() &&
           inFlight == peer().requestsInFlight();
  }

  Peers peers;
  std::deque<Story> stories;
  std::list<std::unique_ptr<Owner>> owners;
};

}  // namespace peerpulse::upstream::test
