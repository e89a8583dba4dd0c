// PeerNames: the addresses of the peers whose address is a name: asks for them (dns::Resolver, on its own thread), and hands what
// changes to whoever connects to these peers. The main thread is its hub: what the admin shows is what was handed out.
//
//   Resolver --onName()--> post --> main: statistics, log, Sinks: workers, prober, guard
//
// Threading: construct, start(), stop() and view() on the main thread; hurry() on any.
// Ownership: `config` and what the sinks refer to outlive it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "peerpulse/base/peer_id.h"
#include "peerpulse/config/config.h"
#include "peerpulse/dns/resolver.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/stats/stats.h"

namespace peerpulse::server {

/// Called on the main thread.
struct NameSinks {
  std::function<void(PeerId, const AddressSetRef&)> onAddresses;
  /// Whether the peer does not answer at its addresses: then they may be old, whatever their TTL.
  std::function<bool(PeerId)> isLost;
  /// A peer has no address at all, and that is why.
  std::function<void(PeerId, dns::Status, const std::string& name)> onNoAddress;
};

class PeerNames final : public dns::ResolverCallbacks {
 public:
  PeerNames(event::Dispatcher& dispatcher, const config::Config& config, stats::Stats& stats, NameSinks sinks);
  ~PeerNames() override;

  /// No peer has a name: nothing is started.
  void start();
  void stop();
  /// There is reason to think that the peer is elsewhere by now. Nothing for one without a name.
  void hurry(PeerId peer);
  /// Null for a peer whose address is a literal.
  const dns::NameView* view(PeerId peer) const;

 private:
  /// One peer with a name. The state is of the main thread.
  struct Named {
    PeerId peer;
    std::string name;
    dns::NameView view;
  };

  // On the resolver's thread.
  void removeOwn(std::vector<SocketAddress>& addresses) override;
  void onName(size_t name, const dns::NameRecord::Change& change, const dns::NameView& view) override;

  void take(size_t name, const dns::NameRecord::Change& change, const dns::NameView& view);
  void count(const Named& named, const dns::NameRecord::Change& change, const dns::NameView& view);

  event::Dispatcher& dispatcher_;
  const config::Config& config_;
  stats::Stats& stats_;
  const NameSinks sinks_;
  std::vector<Named> named_;                    // by the resolver's number
  std::vector<std::optional<size_t>> numbers_;  // by PeerId: the resolver's
  std::unique_ptr<dns::Resolver> resolver_;
};

}  // namespace peerpulse::server
