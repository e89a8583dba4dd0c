#include "service.h"

#include <algorithm>

#include "event_json.h"
#include "handlers.h"

namespace peerpulse::admin {

namespace {

constexpr seconds kTick{5};
// Keeps idle event streams alive across proxies, and finds subscribers that are gone.
constexpr const char* kHeartbeat = ": still here\n\n";

http::CodecLimits adminLimits() {
  http::CodecLimits limits;
  limits.maxConcurrentStreams = 32;
  limits.streamWindow = 64 * 1024;
  return limits;
}

}  // namespace

Service::Service(event::Dispatcher& dispatcher, Sources sources)
    : dispatcher_(dispatcher),
      sources_(std::move(sources)),
      limits_(adminLimits()),
      connector_(dispatcher),
      io_(dispatcher, connector_),
      turnEnd_(dispatcher.createTurnEnd([this] { metricsOfTurn_ = false; })),
      tick_(dispatcher.createTimer([this] { onTick(); })),
      arrivalTimer_(dispatcher.createTimer([this] { admitArrivals(); })),
      published_(sources_.events->lastSequence()),
      wakeup_(std::make_shared<Wakeup>()) {
  wakeup_->service = this;
  sources_.events->setListener([&dispatcher, wakeup = wakeup_] {
    // One post for a burst of transitions.
    if (wakeup->posted.exchange(true, std::memory_order_acq_rel)) return;
    dispatcher.post([wakeup] {
      wakeup->posted.store(false, std::memory_order_release);
      if (wakeup->service != nullptr) wakeup->service->onNews();
    });
  });
}

Service::~Service() {
  sources_.events->setListener(nullptr);
  wakeup_->service = nullptr;
  while (!connections_.empty())
    connections_.front()->close("the admin ends");
  // They refer to this.
  dispatcher_.clearDeferred();
}

Result<void> Service::listen(const SocketAddress& address) {
  PP_ASSERT(socket_ == nullptr);
  auto socket = net::ListenSocket::open(address, 128);
  if (!socket) return Error{"admin listener: " + socket.error().message, socket.error().code};
  socket_ = std::move(*socket);
  address_ = socket_->address();
  acceptor_ =
      std::make_unique<net::Acceptor>(dispatcher_, *socket_, [this](Fd fd) { onAccept(std::move(fd), false); });
  tick_->enable(kTick);
  return {};
}

Result<void> Service::listenForMetrics(const SocketAddress& address) {
  PP_ASSERT(socket_ != nullptr && metricsSocket_ == nullptr);
  auto socket = net::ListenSocket::open(address, 128);
  if (!socket) return Error{"metrics listener: " + socket.error().message, socket.error().code};
  metricsSocket_ = std::move(*socket);
  metricsAcceptor_ =
      std::make_unique<net::Acceptor>(dispatcher_, *metricsSocket_, [this](Fd fd) { onAccept(std::move(fd), true); });
  return {};
}

size_t Service::metricsConnections() const {
  return static_cast<size_t>(std::count_if(connections_.begin(), connections_.end(),
                                           [](const auto& each) { return each->caller().metricsOnly; }));
}

void Service::onAccept(Fd fd, bool metricsOnly) {
  Arrival arrival{std::move(fd), metricsOnly};
  if (arrivals_.empty() && admit(arrival)) return;
  const size_t kept = connections_.size() + arrivals_.size();
  if (arrivals_.size() >= kMaxArrivals || (sources_.mayKeep && !sources_.mayKeep(arrival.fd.get(), kept))) {
    sources_.own->refused.add();  // and closed at once: better than a client that waits for long
    return;
  }
  arrivals_.push_back(std::move(arrival));
  if (!arrivalTimer_->enabled()) arrivalTimer_->enable(kArrivalInterval);
}

/// False: there is no place, and nobody to give his.
bool Service::admit(Arrival& arrival) {
  const bool metricsOnly = arrival.metricsOnly;
  const auto fits = [&] {
    return connections_.size() < kMaxConnections && (!metricsOnly || metricsConnections() < kMaxMetricsConnections) &&
           (!sources_.mayKeep || sources_.mayKeep(arrival.fd.get(), connections_.size()));
  };
  if (!fits() && (!makeRoom(metricsOnly) || !fits())) return false;
  const Caller caller =
      callerOf(net::remoteAddress(arrival.fd.get()), net::localAddress(arrival.fd.get()), metricsOnly);
  connections_.push_front(std::make_unique<AdminConnection>(
      *this, net::PlainTransport::accepted(dispatcher_, std::move(arrival.fd)), caller));
  connections_.front()->self = connections_.begin();
  connections_.front()->number = ++admitted_;
  sources_.own->connections.set(connections_.size());
  lookAtNewcomers();
  return true;
}

void Service::admitArrivals() {
  while (!arrivals_.empty() && admit(arrivals_.front()))
    arrivals_.pop_front();
  if (!arrivals_.empty() && !arrivalTimer_->enabled()) arrivalTimer_->enable(kArrivalInterval);
}

// Whatever a newcomer had sent by the first of the two posts was read before the second. Its age alone would not do: a busy
// loop's own time is none of the client's.
void Service::lookAtNewcomers() {
  if (looking_ || lookedAt_ == admitted_) return;
  looking_ = true;
  dispatcher_.post([wakeup = wakeup_, upTo = admitted_] {
    if (wakeup->service == nullptr) return;
    wakeup->service->dispatcher_.post([wakeup, upTo] {
      Service* const service = wakeup->service;
      if (service == nullptr) return;
      service->looking_ = false;
      service->lookedAt_ = upTo;
      service->admitArrivals();
      service->lookAtNewcomers();
    });
  });
}

/// Ends the connection that has been of no use for longest, if there is one. Who comes for metrics alone takes nobody else's place.
bool Service::makeRoom(bool metricsOnly) {
  const TimePoint now = dispatcher_.now();
  AdminConnection* oldest = nullptr;
  TimePoint since = TimePoint::max();
  for (const auto& connection : connections_) {
    if (metricsOnly && !connection->caller().metricsOnly) continue;
    if (connection->number > lookedAt_) continue;
    const auto idle = connection->idleSince(now);
    if (!idle || *idle >= since) continue;
    oldest = connection.get();
    since = *idle;
  }
  if (oldest == nullptr) return false;
  oldest->close("another client needs its place");
  sources_.own->evicted.add();
  return true;
}

void Service::remove(AdminConnection& connection) {
  const auto place = connection.self;
  dispatcher_.deferredDelete(std::move(*place));
  connections_.erase(place);
  sources_.own->connections.set(connections_.size());
  if (!arrivals_.empty()) arrivalTimer_->enable(Duration::zero());
}

void Service::onTick() {
  const TimePoint now = dispatcher_.now();
  for (auto at = connections_.begin(); at != connections_.end();) {
    AdminConnection& connection = **at++;
    connection.expire(now);
  }
  subscribers_.forEach([](Exchange& exchange) { exchange.sendEvent(kHeartbeat); });
  tick_->enable(kTick);
}

Response Service::handle(const Caller& caller, const Request& request) {
  const Context context{.sources = sources_,
                        .listen = address_,
                        .now = dispatcher_.now(),
                        .snapshot = sources_.snapshot(),
                        .wall = dispatcher_.wallNow(),
                        .caller = caller,
                        .overrides = &overrides_};
  if (request.path == "/metrics" && request.method == "GET" && request.query.empty())
    return metrics(context, request);
  return admin::handle(context, request);
}

Response Service::metrics(const Context& context, const Request& request) {
  const bool young = metricsAt_ && context.now - *metricsAt_ < kMetricsAge;
  if (!metricsOfTurn_ && !(context.caller.metricsOnly && young)) {
    metrics_ = admin::handle(context, request);
    metricsAt_ = context.now;
    metricsOfTurn_ = true;
    turnEnd_->schedule();
  }
  return metrics_;
}

bool Service::subscribe(Exchange& exchange) {
  if (subscribers_.size() >= kMaxSubscribers) return false;
  // What is not published yet goes to the others now; the new one asks from its own starting point.
  publishEvents();
  subscribers_.pushBack(exchange);
  return true;
}

bool Service::admitWaiter(Exchange& exchange) {
  if (draining_) {
    exchange.refuseWait(drainingError());
    return false;
  }
  if (waiters_.size() >= kMaxWaiters) {
    exchange.refuseWait(error(503, "too_many_waiters", "there are enough requests that wait; ask without wait"));
    return false;
  }
  waiters_.pushBack(exchange);
  return true;
}

void Service::drain() {
  draining_ = true;
  waiters_.forEach([this](Exchange& exchange) { exchange.refuseWait(drainingError()); });
}

Response Service::drainingError() const {
  return error(503, "draining", "peerpulse ends: nobody will see another change");
}

void Service::onNews() {
  publishEvents();
  const uint64_t version = sources_.events->version();
  waiters_.forEach([version](Exchange& exchange) { exchange.onVersion(version); });
}

std::vector<Event> Service::eventsAfter(uint64_t sequence) {
  std::vector<Event> missed = sources_.events->after(sequence);
  // Newer than what the others were sent: they come by publishEvents() to all.
  while (!missed.empty() && missed.back().sequence > published_)
    missed.pop_back();
  return missed;
}

void Service::publishEvents() {
  for (const Event& event : sources_.events->after(published_)) {
    published_ = event.sequence;
    const std::string text = eventStreamText(*sources_.stats, event);
    subscribers_.forEach([&](Exchange& exchange) { exchange.sendEvent(text); });
  }
}

}  // namespace peerpulse::admin
