#include "links.h"

#include <algorithm>
#include <string>

#include "own_address.h"

namespace peerpulse::config {

namespace {

using upstream::LinkMode;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

bool isSet(const SocketAddress& address) { return address.family() != AF_UNSPEC; }

bool wantsLinks(const Config& config) {
  const auto& peers = config.proxy.peers;
  return std::any_of(peers.begin(), peers.end(), [](const auto& peer) { return peer.link.mode != LinkMode::kOff; });
}

void checkCertificates(const Config& config, ErrorList& errors) {
  const LinkOptions& link = config.link;
  const std::string where = "/link/tls";
  const std::string needs = link.serves() ? "/link/listen" : "a peer's link";
  if (!link.serves() && !wantsLinks(config)) {
    if (link.certificateFile.empty() && !link.keyFile.empty()) {
      errors.add(where + "/certificate_file", "\"\"", "the certificate of the key " + quoted(link.keyFile));
    }
    return;
  }
  if (link.certificateFile.empty()) {
    errors.add(where + "/certificate_file", "\"\"",
               "this node's certificate: " + needs + " needs one, both ends of a link show theirs");
  }
  if (link.caFile.empty()) {
    errors.add(where + "/ca_file", "\"\"",
               "the authority of the nodes' certificates: " + needs + " is of no use without one");
  }
}

void checkInbound(const Config& config, ErrorList& errors) {
  const LinkOptions& link = config.link;
  if (link.serves() != isSet(link.store)) {
    errors.add(link.serves() ? "/link/store" : "/link/listen", "\"\"",
               link.serves() ? "the address of this node's store: /link/listen is for its sake"
                             : "the address that other nodes' links lead to: /link/store is reached by nothing else");
  }
  if (link.listen.isUnix()) {
    errors.add("/link/listen", quoted(link.listen.toString()), "a TCP address: other nodes come by it");
  }
  if (link.serves() && config.proxy.peers.size() > kMaxPeers) {
    errors.add("/peers", std::to_string(kMaxPeers) + " entries",
               "at most " + std::to_string(kMaxPeers - 1) + ": the store behind /link/listen takes a place");
  }
}

void checkOutbound(const Config& config, ErrorList& errors) {
  const OwnHosts own = OwnHosts::ofThisHost();
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    if (peer.link.mode == LinkMode::kOff) continue;
    const SocketAddress& address = peer.link.address;
    const std::string where = pointerTo(peer, "link/address");
    const std::string found = isSet(address) ? quoted(address.toString()) : "\"\"";
    if (!isSet(address)) {
      errors.add(where, found,
                 "the address of the peerpulse beside " + peer.name + ", or link.mode \"off\"" +
                     (peer.address.isName() ? ": what " + quoted(peer.address.toString()) +
                                                  " leads to changes, and a link leads to one address"
                                            : ""));
      continue;
    }
    if (address.isUnix() || address.port() == 0) {
      errors.add(where, found, "a TCP address with a port from 1 to 65535");
      continue;
    }
    if (peer.address == address) {
      errors.add(where, found,
                 "another address than the peer's own: there its peerpulse listens (/link/listen there)");
    }
    if (config.sources.count(pointerTo(peer, "source_address")) != 0 && isSet(peer.source) &&
        peer.source.family() != address.family()) {
      errors.add(where, found, "an address of the family of source_address, " + quoted(peer.source.toString()));
    }
    for (const proxy::PeerOptions& other : config.proxy.peers) {
      if (isSet(other.listen) && leadsTo(address, other.listen, own)) {
        errors.add(where, found,
                   "the address of the remote node: this one leads to our own " + pointerTo(other, "listen") + ", " +
                       quoted(other.listen.toString()));
      }
      if (other.id < peer.id && other.link.mode != LinkMode::kOff && other.link.address == address) {
        errors.add(where, found, "an address of its own: " + pointerTo(other, "link/address") + " has it too");
      }
    }
  }
}

}  // namespace

std::string pointerTo(const proxy::PeerOptions& peer, const std::string& key) {
  const bool store = peer.role == proxy::Role::kStore;
  const std::string prefix = store ? "/link" : "/peers/" + std::to_string(slot(peer.id));
  if (key.empty()) return prefix;
  return prefix + "/" + (store && key == "address" ? "store" : key);
}

std::vector<std::string> linkNotes(const Config& config) {
  std::vector<std::string> notes;
  if (config.link.serves()) {
    notes.push_back("link: other nodes come in at " + config.link.listen.toString() + " with a certificate, to " +
                    config.link.name + ", " + config.link.store.toString());
  }
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    if (peer.link.mode == LinkMode::kOff) continue;
    notes.push_back("link: " + peer.name + " by " + peer.link.address.toString() + " (" + toString(peer.link.mode) +
                    (peer.link.mode == LinkMode::kPrefer
                         ? "): while that is not there, by " + peer.address.toString() + " without"
                         : "): never without"));
  }
  return notes;
}

void completeLink(const Config& config, proxy::PeerOptions& peer) {
  upstream::LinkOptions& link = peer.link;
  if (link.mode == LinkMode::kOff) return;
  const SocketAddress& own = peer.address.literal();
  const bool tcp = isSet(own) && !own.isUnix();
  if (!isSet(link.address) && tcp) link.address = own.withPort(static_cast<uint16_t>(config.link.port));
  link.retry = config.link.retry;
  link.tls.enabled = true;
  link.tls.caFile = config.link.caFile;
  link.tls.certificateFile = config.link.certificateFile;
  link.tls.keyFile = config.link.keyFile;
  link.tls.verify = config.link.verify;
  link.tls.minVersion = config.link.minVersion;
}

// Its clients are peerpulses: they are refused while it is gone, as it would refuse them itself, and its silence says nothing of
// the network.
void addStore(Config& config) {
  const LinkOptions& link = config.link;
  if (!link.serves() || !isSet(link.store)) return;
  proxy::PeerOptions store;
  store.id = PeerId{static_cast<uint32_t>(config.proxy.peers.size())};
  store.role = proxy::Role::kStore;
  store.name = link.name;
  store.zone = config.zone;
  store.address = link.store;
  store.listen = link.listen;
  store.protocol = link.protocol;
  store.onDead = proxy::OnDead::kRefuse;
  store.mode = guard::Mode::kProxy;
  store.probe = config.probe;
  store.probe.failureThreshold = 0;  // what fails there its peers see, and judge by themselves
  store.tlsDownstream.certificateFile = link.certificateFile;
  store.tlsDownstream.keyFile = link.keyFile;
  store.tlsDownstream.clientCaFile = link.caFile;
  store.tlsDownstream.clientCertificate = net::ClientCertificate::kRequired;
  store.tlsDownstream.minVersion = link.minVersion;
  config.proxy.peers.push_back(std::move(store));
  config.peerProfiles.push_back(config.profile);
  const bool tcp = isSet(link.store) && !link.store.isUnix();
  if (tcp && !OwnHosts::ofThisHost().has(hostOf(link.store))) {
    config.warnings.push_back({"/link/store", quoted(link.store.toString()) +
                                                  " is no address of this host: what comes by the link goes on from "
                                                  "here in plain text; a store has a peerpulse beside it"});
  }
}

void checkLinks(const Config& config, ErrorList& errors) {
  checkCertificates(config, errors);
  checkInbound(config, errors);
  checkOutbound(config, errors);
}

}  // namespace peerpulse::config
