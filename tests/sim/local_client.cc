#include "local_client.h"

#include <utility>

#include "client_connection.h"
#include "raw_client.h"

namespace peerpulse::sim {

namespace {

constexpr Duration kTryAgain = milliseconds(25);

}  // namespace

LocalClient::LocalClient(ClientHost& host, uint8_t peer, const SocketAddress& listener,
                         const PeerAbilities& abilities, const ClientHabits& habits, Random random)
    : host_(host),
      peer_(peer),
      listener_(listener),
      abilities_(abilities),
      habits_(habits),
      random_(random),
      timer_(host.loop.createTimer([this] { next(); })) {
  timer_->enable(random_.between(Duration::zero(), habits_.think));
}

LocalClient::~LocalClient() = default;

void LocalClient::next() {
  if (stopped_ || !idle()) return;
  const bool hostile = random_.percent(habits_.hostile);
  if (hostile && random_.percent(30)) {
    raw_ = std::make_unique<RawClient>(*this, static_cast<RawScript>(random_.below(kRawScripts)));
    raw_->begin();
    return;
  }
  ConnectionPlan plan;
  if (habits_.metronome > Duration::zero()) {
    plan.http2 = habits_.http2;
    plan.requests = UINT32_MAX;
    plan.concurrency = 1'000;
    plan.metronome = habits_.metronome;
  } else {
    plan = drawConnection(random_, abilities_, hostile, habits_.think);
  }
  connection_ = std::make_unique<ClientConnection>(*this, plan);
}

void LocalClient::connectionOver(bool wasReady) {
  host_.loop.deferredDelete(std::move(connection_));
  if (stopped_) return;
  timer_->enable(wasReady ? habits_.think : kTryAgain + random_.between(Duration::zero(), kTryAgain));
}

void LocalClient::rawOver() {
  host_.loop.deferredDelete(std::move(raw_));
  if (!stopped_) timer_->enable(habits_.think + milliseconds(1));
}

void LocalClient::stop() {
  stopped_ = true;
  timer_->disable();
  if (connection_) connection_->stop();
}

void LocalClient::cutOff() {
  if (connection_) connection_->cutOff();
  if (raw_) raw_->cutOff();
}

}  // namespace peerpulse::sim
