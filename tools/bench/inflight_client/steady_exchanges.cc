#include "steady_exchanges.h"

#include <nlohmann/json.hpp>

namespace peerpulse::bench {

using erasure_writer::ClientRequest;
using erasure_writer::PeerClient;

namespace {

PeerClient::Options clientOptions(const SteadyExchanges::Options& options) {
  PeerClient::Options result;
  result.protocol = options.protocol;
  result.maxConnections = options.connections;
  return result;
}

}  // namespace

SteadyExchanges::SteadyExchanges(ClientLoop& loop, const Options& options)
    : loop_(loop),
      options_(options),
      interval_(nanoseconds(1'000'000'000 / options.perSecond)),
      client_(loop.io(), options.target, options.target.toString(), clientOptions(options)) {
  timer_ = loop.dispatcher().createTimer([this] { submitDue(); });
  samples_.reserve(size_t{60} * options.perSecond);
}

SteadyExchanges::~SteadyExchanges() {
  client_.closeAll();
  underWay_.clear();
  loop_.dispatcher().clearDeferred();
}

void SteadyExchanges::start() {
  loop_.dispatcher().post([this] {
    due_ = loop_.dispatcher().now();
    submitDue();
  });
}

void SteadyExchanges::submitDue() {
  if (stopping_) return;
  const TimePoint now = loop_.dispatcher().now();
  for (; due_ <= now; due_ += interval_)
    submitOne();
  timer_->enable(due_ - now);
}

void SteadyExchanges::submitOne() {
  ClientRequest::Spec spec;
  spec.method = "GET";
  spec.path = options_.path;
  spec.timeout = options_.timeout;
  auto request = std::make_unique<ClientRequest>(loop_.dispatcher(), std::move(spec),
                                                 [this](ClientRequest& done) { onEnded(done); });
  ClientRequest& reference = *request;
  underWay_.emplace(&reference, std::move(request));
  client_.submit(reference);
}

void SteadyExchanges::onEnded(ClientRequest& request) {
  const auto& result = request.result();
  if (result.ok()) {
    const auto duration = std::chrono::duration_cast<nanoseconds>(result.ended - result.started).count();
    if (samples_.size() < kMaxSamples) samples_.push_back({monotonicNanos(result.started), duration});
  } else {
    ++errors_[result.reason()];
  }
  const auto found = underWay_.find(&request);
  loop_.dispatcher().deferredDelete(std::move(found->second));
  underWay_.erase(found);
  if (stopping_ && underWay_.empty()) loop_.dispatcher().exit();
}

void SteadyExchanges::stop() {
  stopping_ = true;
  timer_->disable();
  if (underWay_.empty()) loop_.dispatcher().exit();
}

nlohmann::json SteadyExchanges::report() const {
  nlohmann::json samples = nlohmann::json::array();
  for (const Sample& sample : samples_)
    samples.push_back({sample.startedNanos, sample.durationNanos});
  return {{"event", "ended"}, {"samples", std::move(samples)}, {"errors", errors_}};
}

}  // namespace peerpulse::bench
