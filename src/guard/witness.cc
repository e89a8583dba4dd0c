#include "witness.h"

#include <utility>

#include "peerpulse/health/connect_evidence.h"
#include "peerpulse/net/socket.h"

namespace peerpulse::guard {

Witness::Witness(event::Dispatcher& dispatcher, const SocketAddress& address, uint32_t mark,
                 std::function<void()> onHeard)
    : dispatcher_(dispatcher), address_(address), mark_(mark), onHeard_(std::move(onHeard)) {}

void Witness::ask() {
  const TimePoint now = dispatcher_.now();
  if (fd_.valid() && now - askedAt_ < kPatience) return;
  if (fd_.valid()) silent_ = now;
  event_.reset();
  fd_.reset();
  auto fd = net::createStreamSocket(address_);
  if (!fd) return;
  if (auto marked = net::setMark(fd->get(), mark_); !marked) return;
  net::setResetOnClose(fd->get());
  askedAt_ = now;
  if (auto started = net::startConnect(fd->get(), address_); !started) {
    // A host of the own network may be refused at once.
    if (health::classifyConnect(started.error().code) == health::ConnectEvidence::kRefused) heard_ = now;
    return;
  }
  fd_ = std::move(*fd);
  event_ = dispatcher_.createFileEvent(fd_.get(), [this](uint32_t) { onAnswer(); });
  event_->setEnabled(event::FileEvent::kWrite);
}

void Witness::onAnswer() {
  event_->setEnabled(0);  // we are inside of its callback: it goes with the next question
  const auto evidence = health::classifyConnect(net::connectError(fd_.get()));
  fd_.reset();
  if (evidence == health::ConnectEvidence::kSilence) silent_ = dispatcher_.now();
  if (evidence != health::ConnectEvidence::kAlive && evidence != health::ConnectEvidence::kRefused) return;
  heard_ = dispatcher_.now();
  onHeard_();
}

}  // namespace peerpulse::guard
