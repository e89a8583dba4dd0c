#include "held_exchanges.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace peerpulse::bench {

using erasure_writer::ClientRequest;
using erasure_writer::PeerClient;

HeldExchanges::HeldExchanges(ClientLoop& loop, const Options& options) : loop_(loop), options_(options) {
  openTimer_ = loop.dispatcher().createTimer([this] { openMore(); });
  connections_.reserve(options.connections);
  requests_.reserve(options.exchanges);
  failedNanos_.reserve(options.exchanges);
}

HeldExchanges::~HeldExchanges() {
  stop();
  loop_.dispatcher().clearDeferred();
}

void HeldExchanges::start() {
  loop_.dispatcher().post([this] { openMore(); });
}

void HeldExchanges::openMore() {
  const size_t until = std::min(options_.connections, connections_.size() + kConnectsAtOnce);
  while (connections_.size() < until) {
    // The exchanges are dealt out evenly: each connection its share of what is left.
    const size_t connectionsLeft = options_.connections - connections_.size();
    const size_t share = (options_.exchanges - requests_.size() + connectionsLeft - 1) / connectionsLeft;
    PeerClient::Options options;
    options.protocol = options_.protocol;
    options.maxConnections = 1;
    connections_.push_back(
        std::make_unique<PeerClient>(loop_.io(), options_.target, options_.target.toString(), options));
    submit(*connections_.back(), share);
  }
  if (connections_.size() < options_.connections) openTimer_->enable(kConnectInterval);
}

void HeldExchanges::submit(PeerClient& connection, size_t count) {
  ClientRequest::Spec spec;
  spec.method = "GET";
  spec.path = options_.path;
  spec.timeout = options_.timeout;
  for (; count > 0; --count) {
    requests_.push_back(std::make_unique<ClientRequest>(loop_.dispatcher(), spec,
                                                        [this](ClientRequest& request) { onEnded(request); }));
    connection.submit(*requests_.back());
  }
}

void HeldExchanges::onEnded(ClientRequest& request) {
  if (stopping_) return;
  ++ended_;
  const auto& result = request.result();
  ++outcomes_[result.error.empty() ? std::to_string(result.status) : result.error];
  const bool timedOut = result.error == "timeout";
  if (!result.ok() && !timedOut) failedNanos_.push_back(monotonicNanos(result.ended));
  if (ended_ == options_.exchanges) loop_.dispatcher().exit();
}

void HeldExchanges::stop() {
  stopping_ = true;
  openTimer_->disable();
  for (auto& connection : connections_)
    connection->closeAll();
  loop_.dispatcher().exit();
}

nlohmann::json HeldExchanges::report() const {
  return {{"event", "ended"},
          {"exchanges", options_.exchanges},
          {"ended", ended_},
          {"failed_ns", failedNanos_},
          {"outcomes", outcomes_}};
}

}  // namespace peerpulse::bench
