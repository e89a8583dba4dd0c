#include "memory_network.h"

#include <algorithm>
#include <netinet/in.h>

#include "memory_listener.h"
#include "memory_transport.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::test {

namespace {

// Where addresses lead that nobody has.
constexpr HostId kNowhere = 0;
constexpr Duration kSynRepetition = seconds(1);

std::optional<uint32_t> ipv4(const SocketAddress& address) {
  if (address.family() != AF_INET) return std::nullopt;
  return reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr.s_addr;
}

}  // namespace

MemoryNetwork::MemoryNetwork(VirtualTime& time, const NetworkOptions& options)
    : Participant(time, VirtualTime::Rank::kNetwork), options_(options), random_(options.seed) {
  hosts_.emplace_back();
  hosts_[kNowhere].powered = false;
  paths_.resize(1);
}

MemoryNetwork::~MemoryNetwork() {
  for (const Host& host : hosts_)
    PP_ASSERT(host.listeners.empty());
}

// --- hosts and paths -------------------------------------------------------------------------------------------

HostId MemoryNetwork::addHost(std::string_view ip, const HostOptions& options) {
  const size_t before = hosts_.size();
  std::vector<Path> paths((before + 1) * (before + 1));
  for (size_t from = 0; from < before; ++from)
    std::copy_n(&paths_[from * before], before, &paths[from * (before + 1)]);
  paths_.swap(paths);
  hosts_.emplace_back();
  hosts_.back().options = options;
  const auto host = static_cast<HostId>(before);
  addAddress(host, ip);
  return host;
}

void MemoryNetwork::addAddress(HostId host, std::string_view ip) {
  const auto address = SocketAddress::parse(std::string(ip) + ":1");
  PP_ASSERT(address && address->family() == AF_INET && hostOf(*address) == kNowhere);
  addresses_.push_back({*ipv4(*address), host});
}

std::optional<HostId> MemoryNetwork::hostOf(const SocketAddress& address) const {
  const auto ip = ipv4(address);
  if (!ip) return std::nullopt;
  for (const Address& known : addresses_)
    if (known.ip == *ip) return known.host;
  return kNowhere;
}

MemoryNetwork::Path& MemoryNetwork::path(HostId from, HostId to) { return paths_[from * hosts_.size() + to]; }

int MemoryNetwork::connectError(HostId host) const { return powered(host) ? hosts_[host].connectError : ENETDOWN; }

template <typename Visit>
void MemoryNetwork::forEachEnd(HostId host, Visit visit) {
  for (size_t i = 0; i < pairs_.size(); ++i) {
    for (TcpEnd* end : {&pairs_[i]->client, &pairs_[i]->server}) {
      if (pairs_[i]->inUse && end->host() == host) visit(*end);
    }
  }
}

void MemoryNetwork::endListeners(HostId host) {
  std::vector<MemoryListener*> listeners;
  listeners.swap(hosts_[host].listeners);
  for (MemoryListener* listener : listeners)
    listener->processEnded(powered(host));
}

void MemoryNetwork::forget(HostId from, HostId to) {
  for (const auto& pair : pairs_) {
    for (TcpEnd* end : {&pair->client, &pair->server}) {
      if (pair->inUse && end->host() == from && end->remote().host() == to)
        pair->forgotten[end->server() ? 1 : 0] = true;
    }
  }
}

void MemoryNetwork::cutPower(HostId host) {
  hosts_[host].powered = hosts_[host].stopped = false;
  endListeners(host);
  forEachEnd(host, [this](TcpEnd& end) {
    if (end.handle() != nullptr) end.handle()->processEnded();
    end.forget();
    settle(end);
  });
}

void MemoryNetwork::kill(HostId host) {
  hosts_[host].stopped = false;
  endListeners(host);
  forEachEnd(host, [this](TcpEnd& end) {
    if (end.handle() == nullptr) return;
    end.handle()->processEnded();
    end.close(false);
    settle(end);
  });
}

void MemoryNetwork::resume(HostId host) {
  hosts_[host].stopped = false;
  for (MemoryListener* listener : hosts_[host].listeners)
    listener->wake();
  forEachEnd(host, [](TcpEnd& end) {
    if (end.handle() != nullptr) end.handle()->wake();
  });
}

// --- connections -----------------------------------------------------------------------------------------------

TcpEnd& MemoryNetwork::newConnection(HostId from, HostId to) {
  if (free_.empty()) {
    const auto number = static_cast<uint32_t>(pairs_.size());
    pairs_.push_back(std::make_unique<Pair>());
    Pair& pair = *pairs_.back();
    pair.client.face(*this, pair.server, number, false);
    pair.server.face(*this, pair.client, number, true);
    free_.push_back(number);
  }
  Pair& pair = *pairs_[free_.back()];
  free_.pop_back();
  pair.inUse = true;
  pair.forgotten[0] = pair.forgotten[1] = false;
  pair.lastArrival[0] = pair.lastArrival[1] = TimePoint();
  pair.client.reset(from);
  pair.server.reset(to);
  return pair.client;
}

void MemoryNetwork::settle(TcpEnd& end) {
  Pair& pair = *pairs_[end.pair()];
  if (!pair.inUse || !pair.client.done() || !pair.server.done()) return;
  pair.inUse = false;
  ++pair.generation;
  free_.push_back(end.pair());
}

void MemoryNetwork::addListener(MemoryListener& listener) {
  PP_ASSERT(hostOf(listener.address()) == listener.host() && powered(listener.host()));
  std::vector<MemoryListener*>& listeners = hosts_[listener.host()].listeners;
  for (const MemoryListener* other : listeners)
    PP_ASSERT(other->address().port() != listener.address().port());
  listeners.push_back(&listener);
}

void MemoryNetwork::removeListener(MemoryListener& listener) {
  std::erase(hosts_[listener.host()].listeners, &listener);
}

MemoryListener* MemoryNetwork::listenerAt(HostId host, uint16_t port) {
  for (MemoryListener* listener : hosts_[host].listeners)
    if (listener->address().port() == port && !listener->refusing()) return listener;
  return nullptr;
}

size_t MemoryNetwork::split(size_t n) {
  if (options_.splitPercent == 0 || n < 2 || !random_.percent(options_.splitPercent)) return n;
  return 1 + random_.below(static_cast<uint32_t>(n - 1));
}

// --- packets and timers ----------------------------------------------------------------------------------------

void MemoryNetwork::transmit(TcpEnd& from, const Packet& packet) {
  using Kind = Packet::Kind;
  PP_ASSERT(powered(from.host()));
  ++packets_;
  TcpEnd& to = from.remote();
  Pair& pair = *pairs_[from.pair()];
  const Path& way = path(from.host(), to.host());
  if (way.cut || pair.forgotten[from.server() ? 1 : 0]) {
    lost(pair);
    return;
  }
  TimePoint at = now() + way.options.delay;
  if (way.options.jitter > Duration::zero()) at += random_.between(Duration::zero(), way.options.jitter);
  if (packet.kind != Kind::kAck) {
    const bool handshake = packet.kind == Kind::kSyn || packet.kind == Kind::kSynAck;
    if (random_.chance(way.options.lossPerMillion)) at += handshake ? kSynRepetition : way.options.repetition;
    TimePoint& last = pair.lastArrival[from.server() ? 1 : 0];
    last = at = std::max(at, last);
  }
  push(to, at, packet, false);
}

void MemoryNetwork::setTimer(TcpEnd& end, TimePoint at) { push(end, std::max(at, now()), {}, true); }

void MemoryNetwork::push(TcpEnd& to, TimePoint at, const Packet& packet, bool timer) {
  events_.push_back({at, order_++, to.pair(), pairs_[to.pair()]->generation, timer, to.server(), packet});
  std::push_heap(events_.begin(), events_.end());
}

void MemoryNetwork::runDue() {
  while (!events_.empty() && events_.front().at <= now()) {
    std::pop_heap(events_.begin(), events_.end());
    const Event event = events_.back();
    events_.pop_back();
    deliver(event);
  }
}

void MemoryNetwork::deliver(const Event& event) {
  Pair& pair = *pairs_[event.pair];
  if (!pair.inUse || pair.generation != event.generation) return;
  TcpEnd& to = event.atServer ? pair.server : pair.client;
  if (event.timer) {
    to.onTimer();
  } else if (!powered(to.host()) || path(to.remote().host(), to.host()).cut) {
    lost(pair);
  } else {
    path(to.remote().host(), to.host()).lastArrival = now();
    to.receive(event.packet);
  }
  settle(to);
}

void MemoryNetwork::lost(Pair& pair) {
  pair.client.onLoss();
  pair.server.onLoss();
}

}  // namespace peerpulse::test
