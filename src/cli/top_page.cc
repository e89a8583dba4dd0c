#include "top_page.h"

#include <algorithm>
#include <sstream>
#include <vector>

#include "peers_page.h"
#include "status_page.h"
#include "text.h"
#include "words.h"

namespace peerpulse::cli {

namespace {

constexpr size_t kHead = 4;  // two lines, an empty one, the table's head

std::string rateText(double now, double before, Duration passed) {
  if (passed <= Duration::zero() || now < before) return "-";  // the first look, or another process
  return shortNumber((now - before) / toSeconds(passed));
}

std::string firstLines(const std::string& text, size_t count) {
  std::istringstream lines(text);
  std::string result;
  std::string line;
  for (size_t i = 0; i < count && std::getline(lines, line); ++i)
    result += line + "\n";
  return result;
}

}  // namespace

std::string TopPage::text(const Json& cluster, const Json& peers, TimePoint now, WallTime wallNow, size_t lines) {
  std::vector<const Json*> sorted;
  const Json* list = at(peers, "/peers");
  if (list != nullptr && list->is_array()) {
    for (const Json& peer : *list)
      sorted.push_back(&peer);
  }
  std::stable_partition(sorted.begin(), sorted.end(), [](const Json* peer) { return !isWell(*peer); });
  const Duration passed = at_ == TimePoint() ? Duration::zero() : now - at_;
  std::map<std::string, Counts> counts;
  Table table({"PEER", "VERDICT", "CIRCUIT", "SINCE", "SCORE", "RTT", "REQ/S", "FAILED/S", "IN FLIGHT"});
  const size_t room = lines > kHead + 2 ? lines - kHead - 1 : 1;
  for (const Json* peer : sorted) {
    const std::string name = textAt(*peer, "/name");
    const Counts seen{numberAt(*peer, "/requests_total").value_or(0), numberAt(*peer, "/failures_total").value_or(0)};
    counts[name] = seen;
    if (table.rows() == room) continue;
    const auto before = before_.find(name);
    const bool known = before != before_.end() && seen.requests >= before->second.requests;
    table.add({name, textAt(*peer, "/verdict"), textAt(*peer, "/circuit"),
               sinceText(textAt(*peer, "/since"), wallNow), scoreText(*peer), roundTripText(*peer, "p50"),
               known ? rateText(seen.requests, before->second.requests, passed) : "-",
               known ? rateText(seen.failures, before->second.failures, passed) : "-",
               shortNumber(numberAt(*peer, "/in_flight").value_or(0))});
  }
  before_ = std::move(counts);
  at_ = now;
  std::string text = firstLines(statusText(cluster, peers, wallNow), 2) + "\n" + table.text();
  if (sorted.size() > table.rows()) text += "and " + std::to_string(sorted.size() - table.rows()) + " more peers\n";
  return text;
}

}  // namespace peerpulse::cli
