#include "status_page.h"

#include <algorithm>
#include <vector>

#include "command.h"
#include "text.h"
#include "words.h"

namespace peerpulse::cli {

namespace {

const Json& peerList(const Json& peers) {
  static const Json kNone = Json::array();
  const Json* list = at(peers, "/peers");
  return list != nullptr && list->is_array() ? *list : kNone;
}

std::string quorumWords(const Json& cluster) {
  constexpr int64_t kMost = 1'000'000;
  const auto number = [&](const char* pointer) { return wholeAt(cluster, pointer, 0, kMost).value_or(0); };
  const int64_t spare = number("/online") - number("/quorum");
  std::string text = "cluster " + textAt(cluster, "/status", "?") + ": " + std::to_string(number("/online")) +
                     " of " + std::to_string(number("/size")) + " nodes online, ";
  const std::string quorum = "quorum of " + std::to_string(number("/quorum"));
  if (spare < 0) return text + quorum + " LOST by " + std::to_string(-spare);
  return text + quorum + " kept, " + (spare == 0 ? "no" : std::to_string(spare)) + " more may fail";
}

std::string guardWords(const Json& cluster) {
  const std::string missing = textAt(cluster, "/guard/missing");
  if (!flagAt(cluster, "/guard/active")) return missing.empty() ? "" : "guard: off, " + missing;
  std::string text = missing.empty() ? "" : "guard: " + missing;
  const std::vector<std::string> refused = textsAt(cluster, "/guard/refused");
  if (!refused.empty())
    text += (text.empty() ? "guard: " : "; ") + std::string("refuses connections to ") + listText(refused);
  return text;
}

std::string transparentWords(const Json& cluster) {
  const std::string missing = textAt(cluster, "/transparent/missing");
  if (!missing.empty()) return "transparent mode: off, " + missing;
  const std::vector<std::string> direct = textsAt(cluster, "/transparent/direct");
  return direct.empty() ? "" : "transparent mode: connections to " + listText(direct) + " go past peerpulse";
}

}  // namespace

std::string statusText(const Json& cluster, const Json& peers, WallTime now) {
  std::string text = textAt(peers, "/node", "?") + ": " + quorumWords(cluster) + "\n";
  text += "this host: " + localHealthWords(textAt(peers, "/local_health", "?")) + "\n";
  for (const std::string& words : {guardWords(cluster), transparentWords(cluster)}) {
    if (!words.empty()) text += words + "\n";
  }
  Table table({"PEER", "ADDRESS", "VERDICT", "CIRCUIT", "SINCE", "WHY"});
  std::vector<std::string> well;
  for (const Json& peer : peerList(peers)) {
    const std::string name = textAt(peer, "/name");
    if (isWell(peer)) {
      well.push_back(name);
      continue;
    }
    table.add({name, textAt(peer, "/address"), textAt(peer, "/verdict"), textAt(peer, "/circuit"),
               sinceText(textAt(peer, "/since"), now), whyWords(peer)});
  }
  if (table.rows() > 0) text += "\n" + table.text() + "\n";
  if (!well.empty()) text += "alive: " + listText(well) + "\n";
  return text;
}

int statusExit(const Json& cluster, const Json& peers) {
  const std::string local = textAt(peers, "/local_health");
  if (textAt(cluster, "/status") == "quorum_lost" || local == "suspect" || local == "link_down") return kExitLost;
  const Json& list = peerList(peers);
  const bool allWell = std::all_of(list.begin(), list.end(), [](const Json& peer) { return isWell(peer); });
  return allWell && !isGraveLocalHealth(local) && textAt(cluster, "/status") == "ok" ? kExitOk : kExitFound;
}

}  // namespace peerpulse::cli
