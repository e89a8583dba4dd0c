#include "peerpulse/net/race_transport.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace peerpulse::net {

namespace {

/// How much an error says of the peer: a refusal is its kernel's own word, silence may be, the rest is this host's.
int weight(int error) {
  switch (error) {
    case 0: return 0;
    case ECONNREFUSED: return 4;
    case ECONNRESET: return 3;
    case ETIMEDOUT:
    case EHOSTUNREACH: return 2;
    default: return 1;
  }
}

}  // namespace

RaceTransport::RaceTransport(event::Scheduler& scheduler, Connector& connector, const Destination& to,
                             const SocketOptions& options)
    : connector_(connector),
      options_(options),
      addresses_(to.addresses().begin(), to.addresses().end()),
      delay_(to.attemptDelay()),
      timer_(scheduler.createTimer([this] { goOn(); })) {}

RaceTransport::~RaceTransport() { close(false); }

Result<std::unique_ptr<Transport>> RaceTransport::start(event::Scheduler& scheduler, Connector& connector,
                                                        const Destination& to, const SocketOptions& options) {
  std::unique_ptr<RaceTransport> race(new RaceTransport(scheduler, connector, to, options));
  if (!race->beginNext()) return race->first_;
  return std::unique_ptr<Transport>(std::move(race));
}

void RaceTransport::enter(State to) {
  PP_ASSERT(state_ != State::kClosed && (state_ == State::kRacing || to == State::kClosed));
  state_ = to;
}

void RaceTransport::attach(TransportEvents& events) {
  PP_ASSERT(events_ == nullptr);
  events_ = &events;
}

// Attempts are watched from their beginning; until one has won there is nothing else to be told.
void RaceTransport::watch(uint32_t events) {
  if (winner_ != nullptr) winner_->watch(events);
}

/// False: there is none left that can be begun with.
bool RaceTransport::beginNext() {
  while (next_ < addresses_.size()) {
    auto transport = connector_.connect(addresses_[next_++], options_);
    if (!transport) {
      note(transport.error());
      continue;
    }
    Attempt& attempt = *attempts_.emplace_back(std::make_unique<Attempt>(*this, std::move(*transport)));
    attempt.transport->attach(attempt);
    attempt.transport->watch(ready::kWrite);
    if (next_ < addresses_.size()) timer_->enable(delay_);
    return true;
  }
  timer_->disable();
  return false;
}

void RaceTransport::note(const Error& error) {
  if (weight(error.code) <= weight(error_)) return;
  error_ = error.code;
  first_ = error;
}

bool RaceTransport::anyOpen() const {
  return std::any_of(attempts_.begin(), attempts_.end(), [](const auto& attempt) { return !attempt->failed; });
}

void RaceTransport::goOn() {
  if (state_ != State::kRacing || beginNext() || anyOpen()) return;
  enter(State::kLost);
  events_->onTransportReady(ready::kWrite);
}

void RaceTransport::Attempt::onTransportReady(uint32_t events) {
  if (race.winner_ == transport.get()) {
    race.events_->onTransportReady(events);
    return;
  }
  if (race.state_ != State::kRacing || failed) return;
  const int error = transport->connectResult();
  if (error == 0) {
    race.onConnected(*this);
    return;
  }
  failed = true;
  transport->close(false);
  race.note(systemError("connect", error));
  race.goOn();
}

void RaceTransport::onConnected(Attempt& attempt) {
  enter(State::kWon);
  winner_ = attempt.transport.get();
  error_ = 0;
  timer_->disable();
  for (const auto& other : attempts_) {
    if (other.get() != &attempt) other->transport->close(false);
  }
  std::erase_if(attempts_, [&](const auto& other) { return other.get() != &attempt; });
  events_->onTransportReady(ready::kWrite);
}

void RaceTransport::close(bool reset) {
  if (state_ == State::kClosed) return;
  enter(State::kClosed);
  timer_->disable();
  for (const auto& attempt : attempts_)
    attempt->transport->close(reset);
}

std::optional<LastHeard> RaceTransport::lastHeard() const {
  return winner_ != nullptr ? winner_->lastHeard() : std::nullopt;
}

std::optional<SendState> RaceTransport::sendState() const {
  return winner_ != nullptr ? winner_->sendState() : std::nullopt;
}

Error RaceTransport::failure(const char* what, int code) const {
  return winner_ != nullptr ? winner_->failure(what, code) : Transport::failure(what, code);
}

int RaceTransport::fd() const {
  if (winner_ != nullptr) return winner_->fd();
  for (const auto& attempt : attempts_) {
    if (!attempt->failed) return attempt->transport->fd();
  }
  return -1;
}

}  // namespace peerpulse::net
