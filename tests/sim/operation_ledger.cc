#include "operation_ledger.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace peerpulse::sim {

using Sight = RequestEntry::Sight;

namespace {

constexpr uint64_t kEasyBody = uint64_t{256} * 1024;
constexpr Duration kEasyDeadline = seconds(3);
constexpr Duration kEasyPeerTimeout = seconds(1);

std::string nameOf(uint32_t peer) { return "node" + std::to_string(peer + 2); }
std::string diskOf(uint32_t peer, uint32_t leg) { return nameOf(peer) + "/disk" + std::to_string(leg); }

std::string textAt(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int64_t numberAt(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_integer() ? found->get<int64_t>() : -1;
}

std::array<uint8_t, 256> digitValues() {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<uint8_t, 256> values{};
  for (size_t i = 0; i < kDigits.size(); ++i)
    values[static_cast<uint8_t>(kDigits[i])] = static_cast<uint8_t>(i);
  return values;
}

std::string fromBase64(std::string_view text) {
  static const std::array<uint8_t, 256> kValues = digitValues();
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  uint32_t group = 0;
  int bits = 0;
  for (const char c : text.substr(0, text.find('='))) {
    group = group << 6 | kValues[static_cast<uint8_t>(c)];
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(group >> bits & 255);
  }
  return bytes;
}

}  // namespace

const char* toString(Asked asked) {
  switch (asked) {
    case Asked::kQuorum: return "quorum";
    case Asked::kAggregate: return "aggregate";
    case Asked::kNotify: return "notify";
    case Asked::kErasure: return "erasure";
  }
  return "?";
}

const char* toString(OperationEnd end) {
  switch (end) {
    case OperationEnd::kAnswered: return "operation answered";
    case OperationEnd::kBroken: return "operation broken off";
    case OperationEnd::kLeft: return "operation left";
  }
  return "?";
}

OperationLedger::OperationLedger(RequestLedger& legs, RuleBreaks& breaks, EventLog& log, const BodyPattern& pattern,
                                 const CarrySetup& setup, uint32_t peers)
    : legs_(legs), breaks_(breaks), log_(log), pattern_(pattern), setup_(setup), peers_(peers) {}

OperationEntry& OperationLedger::open(Asked asked, std::vector<uint32_t> targets, uint64_t body, uint64_t answer,
                                      TimePoint now) {
  OperationEntry& operation = entries_.emplace_back();
  operation.number = static_cast<uint32_t>(entries_.size() - 1);
  operation.asked = asked;
  operation.body = body;
  operation.began = now;
  const fanout::ErasureSet& set = setup_.fanout.options.erasureSets.front();
  const bool byDisk = asked == Asked::kErasure;
  const auto legs = byDisk ? static_cast<uint32_t>(set.disks.size() + set.spares.size()) : peers_;
  for (uint32_t i = 0; i < legs; ++i) {
    RequestEntry& leg =
        legs_.openLeg(static_cast<uint8_t>(i % peers_), asked == Asked::kAggregate ? Wish::kGet : Wish::kPut, now);
    if (i == 0) operation.id = leg.id;
    leg.bodyOf = operation.id;
    leg.byDisk = byDisk;
    leg.legs = i == 0 ? legs : 0;
    leg.asked = std::find(targets.begin(), targets.end(), i) != targets.end();
    leg.bodySize = body;
    leg.answerSize = answer;
  }
  operation.targets = std::move(targets);
  log_.add({now, "operation", EventLog::kWorld, operation.id, static_cast<int64_t>(body), toString(asked), ""});
  return operation;
}

void OperationLedger::ended(OperationEntry& operation, OperationEnd how, TimePoint now) {
  operation.ended = true;
  operation.end = how;
  operation.endedAt = now;
  log_.add({now, toString(how), EventLog::kWorld, operation.id, operation.status, toString(operation.asked), ""});
  const bool may = setup_.fanout.ending == FanoutEnding::kAborted || !operation.honest;
  if (how == OperationEnd::kBroken && !may) broken(operation, "18: an honest caller got no answer");
}

bool OperationLedger::answerFits(const RequestEntry& leg) const {
  return leg.answerSize <= setup_.fanout.options.answerLimit;
}

void OperationLedger::broken(const OperationEntry& operation, const char* rule) {
  breaks_.broken(legs_.entry(operation.id + operation.targets.front()).peer, rule);
}

// --- answers -----------------------------------------------------------------------------------------------------

void OperationLedger::answered(OperationEntry& operation, const http::ResponseHead& head, const std::string& text,
                               TimePoint now) {
  operation.status = head.status;
  ended(operation, OperationEnd::kAnswered, now);
  ++answers_;
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    broken(operation, "18: an answer that is no JSON object");
    return;
  }
  if (!json.contains("operation")) {
    checkRefusal(operation, json);
    return;
  }
  if (textAt(json, "operation") != toString(operation.asked)) broken(operation, "18: another operation's answer");
  switch (operation.asked) {
    case Asked::kQuorum: checkQuorum(operation, json); return;
    case Asked::kAggregate: checkAggregate(operation, json); return;
    case Asked::kNotify: checkNotify(operation, json); return;
    case Asked::kErasure: checkErasure(operation, head, json); return;
  }
}

void OperationLedger::checkRefusal(const OperationEntry& operation, const Json& json) {
  const std::string error = textAt(json, "error");
  const fanout::Options& options = setup_.fanout.options;
  const bool limited = operation.asked == Asked::kAggregate || operation.asked == Asked::kNotify;
  if (error == "body_too_large") {
    if (operation.status != 413 || !limited || operation.body <= options.replayLimit)
      broken(operation, "23: refused for the size of a body that is within the limit");
  } else if (error == "too_many_operations" || error == "memory_exhausted") {
    if (operation.status != 503 || !setup_.fanout.tight())
      broken(operation, "23: refused for want of room that is there");
  } else if (error == "deadline_passed") {
    const bool late = operation.deadline && operation.endedAt - operation.began >= *operation.deadline;
    if (operation.status != 504 || operation.asked != Asked::kNotify || !late)
      broken(operation, "23: refused for a deadline that has not passed");
    for (const uint32_t target : operation.targets) {
      const RequestEntry& leg = legs_.entry(operation.id + target);
      if (leg.saidYes && !leg.early) broken(operation, "18: refused, and acknowledged");
    }
  } else {
    broken(operation, "23: refused without a reason");
  }
}

// What is said of a peer, against what it has seen and said.
std::optional<OperationLedger::Heard> OperationLedger::checkLeg(const OperationEntry& operation, uint32_t number,
                                                                const Json& json) {
  const RequestEntry& leg = legs_.entry(operation.id + number);
  if (!json.is_object() || textAt(json, "peer") != nameOf(leg.peer)) {
    broken(leg, "18: a peer is missing in an answer");
    return std::nullopt;
  }
  const std::string state = textAt(json, "state");
  const int64_t status = numberAt(json, "status");
  if (state == "ok") {
    if (!leg.saidYes) broken(leg, "18: said to have acknowledged, and has not");
    if (status < 200 || status > 299 || status != leg.status) broken(leg, "18: another status than the peer's");
    if (operation.bodySent != operation.body) broken(leg, "18: said to have acknowledged what was never sent");
    if (!leg.early && leg.bodyAtPeer != operation.body) broken(leg, "18: said to have acknowledged a part");
  } else if (state == "error") {
    if (leg.sight != Sight::kAnswered || !leg.answerComplete || status != leg.status)
      broken(leg, "18: said to have answered, and has not");
  } else if (state == "offline" || state == "timeout" || state == "failed" || state == "too_large") {
    const bool processed = leg.bodyEnded && leg.sight != Sight::kNone && leg.sight != Sight::kRefused;
    if (processed && operation.asked != Asked::kAggregate && !json.contains("uncertain"))
      broken(leg, "18: what may have taken effect is not called uncertain");
  } else if (state != "pending" && state != "cancelled") {
    broken(leg, "18: an unknown state");
  }
  return Heard{state, number};
}

std::vector<OperationLedger::Heard> OperationLedger::checkList(const OperationEntry& operation, const Json& list) {
  std::vector<Heard> heard;
  if (!list.is_array() || list.size() != operation.targets.size()) {
    broken(operation, "18: an answer does not list each peer once");
    return heard;
  }
  for (size_t i = 0; i < list.size(); ++i) {
    if (auto leg = checkLeg(operation, operation.targets[i], list[i])) heard.push_back(std::move(*leg));
  }
  return heard;
}

namespace {

template <typename List>
int64_t countOf(const List& heard, std::string_view state) {
  return std::count_if(heard.begin(), heard.end(), [state](const auto& leg) { return leg.state == state; });
}

}  // namespace

void OperationLedger::checkQuorum(const OperationEntry& operation, const Json& json) {
  const std::vector<Heard> heard = checkList(operation, json.value("peers", Json()));
  const int64_t ok = countOf(heard, "ok");
  const int64_t open = countOf(heard, "pending");
  const int64_t required = operation.required;
  if (numberAt(json, "required") != required) broken(operation, "19: another quorum than was asked for");
  if (numberAt(json, "achieved") != ok) broken(operation, "19: another count than its peers add up to");
  if (operation.status == 200) {
    ++successes_;
    if (ok < required) broken(operation, "19: a quorum is claimed that has not acknowledged");
  } else if (operation.status == 503 && textAt(json, "error") == "quorum_not_reached") {
    if (ok + open >= required) broken(operation, "19: given up while it could succeed");
  } else {
    broken(operation, "19: neither reached nor not reached");
  }
  checkServed(operation, heard, operation.required);
}

void OperationLedger::checkBody(const RequestEntry& leg, const Json& json) {
  const std::string body = json.contains("base64") ? fromBase64(textAt(json, "base64")) : textAt(json, "text");
  if (body.size() != leg.answerSize) broken(leg, "18: a peer's answer is given in part");
  if (!pattern_.matches(leg.id, Direction::kResponse, 0, body)) broken(leg, "18: a peer's answer is given changed");
}

void OperationLedger::checkAggregate(const OperationEntry& operation, const Json& json) {
  const Json list = json.value("peers", Json());
  const std::vector<Heard> heard = checkList(operation, list);
  if (heard.size() != operation.targets.size()) return;
  const int64_t ok = countOf(heard, "ok");
  if (operation.status != 200) broken(operation, "18: an aggregate's status");
  if (numberAt(json, "answered") != ok) broken(operation, "18: another count than its peers add up to");
  if (json.value("partial", ok == 0) != (ok < static_cast<int64_t>(heard.size())))
    broken(operation, "18: partial, or not, against what it lists");
  for (size_t i = 0; i < heard.size(); ++i) {
    if (heard[i].state == "ok") checkBody(legs_.entry(operation.id + heard[i].leg), list[i]);
    if (heard[i].state == "pending" || heard[i].state == "cancelled")
      broken(operation, "18: an aggregate does not say what a peer came to");
  }
  if (ok == static_cast<int64_t>(heard.size())) ++successes_;
  if (setup_.fanout.options.peerTimeout >= kEasyPeerTimeout) checkServed(operation, heard, 0);
}

// Whether it arrives is seen at the end (FanoutRules).
void OperationLedger::checkNotify(const OperationEntry& operation, const Json& json) {
  const Json list = json.value("peers", Json());
  if (operation.status != 202) broken(operation, "18: a notification's status");
  if (operation.bodySent != operation.body) broken(operation, "18: accepted before it was all there");
  bool same = list.is_array() && list.size() == operation.targets.size();
  for (size_t i = 0; same && i < list.size(); ++i)
    same = list[i] == nameOf(legs_.entry(operation.id + operation.targets[i]).peer);
  if (!same) broken(operation, "18: an answer does not list each peer once");
  ++successes_;
}

void OperationLedger::checkErasure(const OperationEntry& operation, const http::ResponseHead& head,
                                   const Json& json) {
  const Json list = json.value("attempts", Json());
  if (!list.is_array() || list.empty() || list.size() > operation.targets.size()) {
    broken(operation, "18: an answer does not list each attempt once");
    return;
  }
  std::vector<uint32_t> left = operation.targets;
  std::vector<Heard> heard;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string disk = textAt(list[i], "disk");
    const auto found = std::find_if(left.begin(), i == 0 ? left.begin() + 1 : left.end(), [&](uint32_t leg) {
      return disk == diskOf(legs_.entry(operation.id + leg).peer, leg);
    });
    if (found == left.end() || disk != diskOf(legs_.entry(operation.id + *found).peer, *found)) {
      broken(operation, "18: an attempt at a disk that is not one of the set, or no longer");
      return;
    }
    if (auto leg = checkLeg(operation, *found, list[i])) heard.push_back(std::move(*leg));
    left.erase(found);
  }
  if (heard.size() != list.size()) return;
  fallbacks_ += heard.size() - 1;
  const std::string said(head.headers.find("peerpulse-stored-on"));
  const bool stored = heard.back().state == "ok";
  const int64_t ok = countOf(heard, "ok");
  if (operation.status != (stored ? 201 : 503)) broken(operation, "18: stored, or not, against its attempts");
  if (ok != (stored ? 1 : 0)) broken(operation, "18: went on after a disk had acknowledged");
  if (said != (stored ? textAt(list.back(), "disk") : "") || textAt(json, "stored_on") != said)
    broken(operation, "18: another disk than the one that acknowledged");
  if (head.headers.find("peerpulse-attempts") != std::to_string(heard.size()))
    broken(operation, "18: another count than its attempts add up to");
  if (stored) ++successes_;
  // A blameless own disk; or with a blameless spare each of those before it was tried in vain, so that is tried, too.
  checkServed(operation, heard, 1);
}

// --- all is served -----------------------------------------------------------------------------------------------

// Of an erasure write others before it may have used up the time.
bool OperationLedger::mustBeServed(const OperationEntry& operation) const {
  const Duration easy = operation.asked == Asked::kErasure ? Duration::max() : Duration(kEasyDeadline);
  return operation.honest && !operation.paced && !setup_.tight() && !setup_.fanout.tight() &&
         (!operation.deadline || *operation.deadline >= easy) &&
         operation.body <= std::min(setup_.fanout.options.replayLimit, kEasyBody);
}

void OperationLedger::checkServed(const OperationEntry& operation, const std::vector<Heard>& heard,
                                  uint32_t required) {
  if (!mustBeServed(operation)) return;
  for (const Heard& said : heard) {
    const RequestEntry& leg = legs_.entry(operation.id + said.leg);
    if (!setup_.blameless(leg.peer) || said.state == "ok" || said.state == "pending") continue;
    if (said.state == "too_large" && !answerFits(leg)) continue;
    broken(leg, "23: a healthy peer is said to have failed");
  }
  const auto serves = [&](uint32_t number) {
    const RequestEntry& leg = legs_.entry(operation.id + number);
    return setup_.blameless(leg.peer) && answerFits(leg);
  };
  const auto healthy =
      static_cast<uint32_t>(std::count_if(operation.targets.begin(), operation.targets.end(), serves));
  if (healthy >= required && operation.status >= 300)
    broken(operation, "23: failed although enough peers are healthy");
}

}  // namespace peerpulse::sim
