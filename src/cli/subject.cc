#include "subject.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "peerpulse/config/config.h"
#include "peerpulse/recipe/plan.h"
#include "text.h"

namespace peerpulse::cli {

namespace {

AdminView viewOf(const Json& peers, const Json& peer) {
  AdminView view;
  view.reached = true;
  view.verdict = textAt(peer, "/verdict");
  view.circuit = textAt(peer, "/circuit");
  view.reason = textAt(peer, "/reason");
  view.since = textAt(peer, "/since");
  view.localHealth = textAt(peers, "/local_health");
  view.guardState = textAt(peer, "/guard/state");
  view.transparentWay = textAt(peer, "/transparent/way", "off");
  view.overridden = flagAt(peer, "/overridden");
  view.heard = numberAt(peer, "/last_heard_ms").has_value();
  view.processHeard = numberAt(peer, "/process_silent_ms").has_value();
  return view;
}

/// The entry of `list` that `matches`.
template <typename Matches>
const Json* entryOf(const Json& json, const char* list, Matches matches) {
  const Json* entries = at(json, list);
  if (entries == nullptr || !entries->is_array()) return nullptr;
  const auto found = std::find_if(entries->begin(), entries->end(), matches);
  return found != entries->end() ? &*found : nullptr;
}

/// What the effective configuration has for this peer.
void addConfiguration(Subject& subject, const Json& config) {
  const int64_t mark = wholeAt(config, "/guard/mark/value", 0, UINT32_MAX).value_or(0);
  if (subject.admin.guardState != "off" || subject.admin.transparentWay != "off")
    subject.mark = static_cast<uint32_t>(mark);
  const Json* entry =
      entryOf(config, "/peers", [&](const Json& e) { return textAt(e, "/name/value") == subject.name; });
  if (entry == nullptr) return;
  subject.healthPath = textAt(*entry, "/probe/health_path/value");
  subject.confirmPort =
      static_cast<uint16_t>(wholeAt(*entry, "/probe/confirm_port/value", 0, UINT16_MAX).value_or(1));
}

/// A node whose store has several ports is as many peers: which, is what somebody who names the node wants to know.
Error unknownPeer(const Json& peers, const std::string& name) {
  std::vector<std::string> ofNode;
  const Json* entries = at(peers, "/peers");
  for (const Json& entry : entries != nullptr && entries->is_array() ? *entries : Json::array()) {
    const std::string peer = textAt(entry, "/name");
    const std::string address = textAt(entry, "/address");
    if (recipe::nodeOf(peer, address.substr(address.rfind(':') + 1)) == name) ofNode.push_back(peer);
  }
  return Error{"there is no peer '" + name + "'; " +
               (ofNode.empty() ? "`peerpulse peers` lists them" : "that node's are " + listText(ofNode))};
}

Result<Subject> byAdmin(const AdminClient& admin, const std::string& peer) {
  const auto peers = admin.peers();
  if (!peers) return peers.error();
  const Json* entry = entryOf(peers->json, "/peers", [&](const Json& e) {
    return textAt(e, "/name") == peer || textAt(e, "/address") == peer;
  });
  if (entry == nullptr) return unknownPeer(peers->json, peer);
  Subject subject;
  subject.name = textAt(*entry, "/name");
  subject.admin = viewOf(peers->json, *entry);
  // Of a name: where it leads, as the process knows it.
  const std::string first = textAt(*entry, "/addresses/0");
  const std::string trouble = textAt(*entry, "/dns/error/details");
  if (first.empty() && !trouble.empty()) return Error{textAt(*entry, "/address") + ": " + trouble};
  const auto address = SocketAddress::parse(first.empty() ? textAt(*entry, "/address") : first);
  if (!address) return address.error();
  subject.address = *address;
  if (const auto listen = SocketAddress::parse(textAt(*entry, "/listen"))) subject.listen = *listen;
  if (const auto config = admin.config()) addConfiguration(subject, config->json);
  return subject;
}

Result<Subject> byFile(const std::string& file, const std::string& peer) {
  const auto config = config::load(file, config::processEnvironment());
  if (!config) return config.error();
  for (const auto& entry : config->proxy.peers) {
    if (entry.name != peer && entry.address.toString() != peer) continue;
    Subject subject;
    subject.name = entry.name;
    if (entry.address.isName()) {
      return Error{"where " + entry.address.name() + " leads only a running peerpulse knows; give its IP:PORT"};
    }
    subject.address = entry.address.literal();
    subject.healthPath = entry.probe.healthPath;
    return subject;
  }
  return Error{"there is no peer '" + peer + "' in " + file};
}

}  // namespace

Result<Subject> findSubject(const AdminClient& admin, const std::string& peer, const std::string& configFile) {
  auto known = byAdmin(admin, peer);
  if (known) return known;
  auto address = SocketAddress::parse(peer);
  Result<Subject> subject = known.error();
  if (address) {
    subject = Subject{};
    subject->name = peer;
    subject->address = *address;
  } else if (known.error().code != 0 && !configFile.empty()) {
    subject = byFile(configFile, peer);
  }
  if (subject) subject->admin.error = known.error().message;
  return subject;
}

double ownTroubles(const std::string& metrics, const std::string& peer) {
  const std::string label = "{peer=\"" + peer + "\"";
  double sum = 0;
  std::istringstream lines(metrics);
  for (std::string line; std::getline(lines, line);) {
    const bool turnedAway = line.starts_with("peerpulse_clients_turned_away_total{") &&
                            line.find("reason=\"descriptors\"") != std::string::npos;
    const bool ofPeer = (line.starts_with("peerpulse_connects_not_made_total" + label) ||
                         line.starts_with("peerpulse_probe_unasked_total" + label));
    if (!turnedAway && !ofPeer) continue;
    const size_t space = line.rfind(' ');
    double value = 0;
    if (space == std::string::npos) continue;
    const auto [end, error] = std::from_chars(line.data() + space + 1, line.data() + line.size(), value);
    if (error == std::errc()) sum += value;
  }
  return sum;
}

}  // namespace peerpulse::cli
