#include "direct_caller.h"

#include <string>
#include <utility>

#include "peerpulse/upstream/peer.h"

namespace peerpulse::sim {

class DirectCaller::Call final : public event::DeferredDeletable, public upstream::RequestOwner {
 public:
  Call(DirectCaller& caller, Wish wish, uint64_t body, uint64_t answer) : caller_(caller), body_(body) {
    RequestEntry& record = caller.ledger_.open(caller.peer_, wish, caller.context_.now());
    record.direct = true;
    record.bodySize = body;
    record.answerSize = answer;
    id_ = record.id;
    head_.method = wish == Wish::kGet ? "GET" : "PUT";
    head_.path = "/fan-out";
    head_.authority = "node";
    head_.version = caller.http2_ ? http::Version::kHttp2 : http::Version::kHttp11;
    head_.headers.add(kIdField, std::to_string(id_));
    head_.complete = wish == Wish::kGet;
    if (head_.complete) return;
    head_.contentLength = body;
    head_.headers.add("content-length", std::to_string(body));
  }
  std::list<std::unique_ptr<Call>>::iterator self;

  void begin(upstream::TrafficClass trafficClass) {
    upstream::RequestSpec spec;
    spec.head = &head_;
    spec.trafficClass = trafficClass;
    spec.options = proxy::upstreamOptions(caller_.context_.snapshot);
    request_.emplace(*caller_.context_.peers.find(PeerId{caller_.peer_}), std::move(spec), *this);
    request_->start();
    if (ended_ || head_.complete) return;
    request_->sendData(caller_.pattern_.piece(id_, Direction::kRequest, 0, static_cast<size_t>(body_)));
    if (!ended_) request_->sendEnd({});
  }
  void cutOff() {
    request_->cancel();
    end(ClientEnd::kCancelled);
  }

 private:
  // Whatever is told: not after the end.
  void told() {
    if (ended_) caller_.breaks_.broken(caller_.peer_, "9: a request's owner is told something after its end");
  }
  void onInformational(http::ResponseHead&&) override { told(); }
  void onResponseHead(http::ResponseHead&& head) override {
    told();
    if (std::exchange(answered_, true)) caller_.breaks_.broken(caller_.peer_, "9: a second head");
    caller_.ledger_.entry(id_).statusSeen = head.status;
  }
  void onResponseData(Slice data) override {
    told();
    const uint64_t at = caller_.ledger_.entry(id_).received;
    const bool matches = caller_.pattern_.matches(id_, Direction::kResponse, at, data.view());
    caller_.ledger_.received(id_, data.size(), matches, caller_.context_.now());
    request_->consumed(data.size());
  }
  void onResponseTrailers(http::HeaderList&&) override { told(); }
  void onResponseEnd() override {
    told();
    if (std::exchange(complete_, true)) caller_.breaks_.broken(caller_.peer_, "9: a second end of the answer");
  }
  void onRequestBodySent(size_t) override { told(); }
  void onRequestClosed() override { end(complete_ ? ClientEnd::kComplete : ClientEnd::kReset); }
  void onRequestFailed(const upstream::Failure& failure) override {
    caller_.ledger_.entry(id_).local = failure.party == upstream::Party::kSelf;
    end(complete_ ? ClientEnd::kComplete : ClientEnd::kReset);
  }
  void end(ClientEnd how) {
    if (std::exchange(ended_, true)) {
      caller_.breaks_.broken(caller_.peer_, "9: a request's owner is told its end twice");
      return;
    }
    caller_.ledger_.ended(id_, how, caller_.context_.now());
    const auto node = self;
    caller_.context_.scheduler.deferredDelete(std::move(*node));
    caller_.calls_.erase(node);
  }

  DirectCaller& caller_;
  const uint64_t body_;
  uint32_t id_ = 0;
  http::RequestHead head_;
  bool ended_ = false, answered_ = false, complete_ = false;
  std::optional<upstream::Request> request_;
};

DirectCaller::DirectCaller(proxy::WorkerContext& context, uint8_t peer, bool http2, Duration every, Random random,
                           RequestLedger& ledger, const BodyPattern& pattern, RuleBreaks& breaks)
    : context_(context),
      peer_(peer),
      http2_(http2),
      every_(every),
      random_(random),
      ledger_(ledger),
      pattern_(pattern),
      breaks_(breaks),
      timer_(context.scheduler.createTimer([this] { next(); })) {
  timer_->enable(random_.between(Duration::zero(), every_));
}

DirectCaller::~DirectCaller() = default;

void DirectCaller::next() {
  timer_->enable(random_.between(every_ / 2, every_ * 3 / 2));
  const Wish wish = random_.percent(50) ? Wish::kGet : Wish::kPut;
  const uint64_t body = wish == Wish::kGet ? 0 : 1 + random_.below(BodyPattern::kMaxPiece);
  const uint64_t answer = random_.below(20'000);
  const auto trafficClass = static_cast<upstream::TrafficClass>(random_.below(upstream::kTrafficClasses));
  calls_.push_front(std::make_unique<Call>(*this, wish, body, answer));
  Call& call = *calls_.front();
  call.self = calls_.begin();
  call.begin(trafficClass);
}

void DirectCaller::cutOff() {
  while (!calls_.empty())
    calls_.front()->cutOff();
}

}  // namespace peerpulse::sim
