#include "peer_names.h"

#include <string>
#include <utility>

#include "peerpulse/log/log.h"

namespace peerpulse::server {

namespace {

// Both are declared in modules that do not know each other; their words must agree.
static_assert(stats::kNameResults.size() == dns::kStatuses);

using State = dns::NameRecord::State;

std::string joined(const AddressSetRef& addresses) {
  std::string text;
  for (const std::string& address : addresses->texts())
    text += (text.empty() ? "" : ", ") + address;
  return text;
}

void logAddresses(const std::string& peer, const std::string& name, const dns::NameView& view) {
  log::write(log::Level::kInfo, "peer_addresses",
             log::Fields()
                 .add("peer", peer)
                 .add("name", name)
                 .add("addresses", joined(view.addresses))
                 .add("unused", uint64_t{view.leftOut}));
}

void logTrouble(const std::string& peer, const std::string& name, const dns::NameView& view) {
  const bool kept = view.addresses != nullptr;
  log::write(log::Level::kWarn, "dns_failed",
             log::Fields()
                 .add("peer", peer)
                 .add("name", name)
                 .add("result", dns::toString(view.status))
                 .add("details", std::string(dns::explain(view.status)) +
                                     (kept ? "; its last addresses stay in use: " + joined(view.addresses)
                                           : "; nothing can be sent to it")));
}

}  // namespace

PeerNames::PeerNames(event::Dispatcher& dispatcher, const config::Config& config, stats::Stats& stats,
                     NameSinks sinks)
    : dispatcher_(dispatcher),
      config_(config),
      stats_(stats),
      sinks_(std::move(sinks)),
      numbers_(config.proxy.peers.size()) {
  std::vector<dns::Name> names;
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    if (!peer.address.isName()) continue;
    numbers_[slot(peer.id)] = named_.size();
    named_.push_back({peer.id, peer.address.name(), {}});
    names.push_back({peer.address.name(), peer.address.port()});
    stats_.peer(peer.id).names.named.set(1);
  }
  if (!names.empty()) resolver_ = std::make_unique<dns::Resolver>(config.dns, std::move(names), *this);
}

PeerNames::~PeerNames() { stop(); }

void PeerNames::start() {
  if (resolver_) resolver_->start();
}

void PeerNames::stop() {
  if (resolver_) resolver_->stop();
}

void PeerNames::hurry(PeerId peer) {
  if (const auto number = numbers_[slot(peer)]) resolver_->hurry(*number);
}

const dns::NameView* PeerNames::view(PeerId peer) const {
  const auto number = numbers_[slot(peer)];
  return number ? &named_[*number].view : nullptr;
}

void PeerNames::removeOwn(std::vector<SocketAddress>& addresses) { config::removeOwnListeners(config_, addresses); }

void PeerNames::onName(size_t name, const dns::NameRecord::Change& change, const dns::NameView& view) {
  dispatcher_.post([this, name, change, view] { take(name, change, view); });
}

void PeerNames::take(size_t name, const dns::NameRecord::Change& change, const dns::NameView& view) {
  Named& named = named_[name];
  const dns::NameView before = std::exchange(named.view, view);
  const std::string& peer = stats_.name(named.peer);
  count(named, change, before);
  const bool failed = change.round && view.status != dns::Status::kOk;
  const bool failedBefore = before.state == State::kStale || before.state == State::kFailed;
  // Once for each trouble, not once for each round of it.
  if (failed && (!failedBefore || before.status != view.status)) logTrouble(peer, named.name, view);
  if (change.addresses) {
    logAddresses(peer, named.name, view);
    sinks_.onAddresses(named.peer, view.addresses);
  } else if (change.round && !failed && failedBefore) {
    log::write(log::Level::kInfo, "dns_recovered", log::Fields().add("peer", peer).add("name", named.name));
  }
  if (change.round && sinks_.isLost(named.peer)) resolver_->hurry(name);
  if (failed && view.addresses == nullptr) sinks_.onNoAddress(named.peer, view.status, named.name);
}

void PeerNames::count(const Named& named, const dns::NameRecord::Change& change, const dns::NameView& before) {
  stats::NameStats& stats = stats_.peer(named.peer).names;
  const dns::NameView& view = named.view;
  if (change.round) stats.results[static_cast<size_t>(view.status)].add();
  if (change.addresses && before.addresses != nullptr) stats.changes.add();
  stats.addresses.set(view.addresses != nullptr ? view.addresses->addresses.size() : 0);
  stats.leftOut.set(view.leftOut);
  if (view.goodAt == TimePoint()) return;
  const WallTime at =
      dispatcher_.wallNow() - std::chrono::duration_cast<WallTime::duration>(dispatcher_.now() - view.goodAt);
  stats.goodAtSeconds.set(static_cast<uint64_t>(std::chrono::duration_cast<seconds>(at.time_since_epoch()).count()));
}

}  // namespace peerpulse::server
