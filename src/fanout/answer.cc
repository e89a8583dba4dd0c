#include "answer.h"

#include <algorithm>
#include <string_view>

#include <nlohmann/json.hpp>

#include "peerpulse/base/time.h"
#include "peerpulse/base/utf8.h"

namespace peerpulse::fanout {

namespace {

using Json = nlohmann::ordered_json;

std::string textOf(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// The object's text with one more member, which is JSON already.
std::string withMember(const Json& object, std::string_view name, const std::string& json) {
  std::string text = textOf(object);
  text.pop_back();
  return text + ",\"" + std::string(name) + "\":" + json + "}";
}

bool isJson(std::string_view contentType) {
  const std::string_view type = contentType.substr(0, contentType.find(';'));
  constexpr std::string_view kSuffix = "+json";
  return http::equalsIgnoreCase(type, "application/json") ||
         (type.size() > kSuffix.size() && http::equalsIgnoreCase(type.substr(type.size() - kSuffix.size()), kSuffix));
}

bool isUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8Length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// RFC 4648, section 4.
std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < n ? static_cast<uint8_t>(bytes[i + k]) : 0U);
    for (size_t k = 0; k < 4; ++k)
      out += k <= n ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

Json describe(const Leg& leg) {
  Json json = {{"peer", leg.peer().name}, {"state", stateWord(leg)}};
  if (leg.state() == Leg::State::kAnswered || leg.state() == Leg::State::kDigestMismatch)
    json["status"] = leg.status();
  if (leg.state() == Leg::State::kFailed) {
    json["error"] = info(leg.failure().type).name;
    json["party"] = toString(leg.failure().party);
  }
  if (!leg.failure().detail.empty()) json["details"] = leg.failure().detail;
  if (leg.uncertain()) json["uncertain"] = true;
  if (const char* hedge = hedgeWord(leg)) json["hedge"] = hedge;
  if (const auto took = leg.took()) json["took_ms"] = toMillis(*took);
  return json;
}

// A peer's JSON stands in ours as it came: numbers keep their digits. What says that it is JSON and is not stands as text.
std::string withBody(Json json, const Leg& leg) {
  if (leg.state() != Leg::State::kAnswered || leg.body().empty()) return textOf(json);
  const std::string body = leg.body().toString();
  if (!leg.contentType().empty()) json["content_type"] = leg.contentType();
  if (isJson(leg.contentType()) && Json::accept(body)) return withMember(json, "body", body);
  if (isUtf8(body)) {
    json["text"] = body;
  } else {
    json["base64"] = base64(body);
  }
  return textOf(json);
}

/// The object's text, with the legs as its last member.
template <typename Describe>
std::string withPeers(const Json& object, const Legs& legs, Describe text) {
  std::string list = "[";
  for (const auto& leg : legs)
    list += (list.size() > 1 ? "," : "") + text(*leg);
  return withMember(object, "peers", list + "]") + "\n";
}

}  // namespace

const char* stateWord(const Leg& leg) {
  switch (leg.state()) {
    case Leg::State::kIdle:
    case Leg::State::kOpen: return "pending";
    case Leg::State::kAnswered: return leg.acknowledged() ? "ok" : "error";
    case Leg::State::kFailed:
      if (leg.failure().byCircuit) return "offline";
      return leg.failure().timedOut ? "timeout" : "failed";
    case Leg::State::kTooLarge: return "too_large";
    case Leg::State::kDigestMismatch: return "digest_mismatch";
    case Leg::State::kCancelled: return "cancelled";
  }
  return "?";
}

const char* hedgeWord(const Leg& leg) {
  switch (leg.hedge()) {
    case Leg::Hedge::kNone: return nullptr;
    case Leg::Hedge::kOpen: return "pending";
    case Leg::Hedge::kWon: return "won";
    case Leg::Hedge::kLost: return "lost";
    case Leg::Hedge::kFailed: return "failed";
  }
  return nullptr;
}

Answer refusalAnswer(const Refusal& refusal) {
  Answer answer;
  answer.status = refusal.status;
  answer.body = textOf({{"error", refusal.error}, {"message", refusal.message}}) + "\n";
  if (!refusal.allow.empty()) answer.headers.add("allow", refusal.allow);
  if (refusal.status == 503) answer.headers.add("retry-after", "1");
  return answer;
}

Answer quorumAnswer(const Legs& legs, const QuorumTally& tally) {
  Answer answer;
  const bool reached = tally.standing() == QuorumTally::Standing::kReached;
  Json json;
  if (!reached) json["error"] = "quorum_not_reached";
  json["operation"] = "quorum";
  json["required"] = tally.required();
  json["achieved"] = tally.acknowledged();
  answer.status = reached ? 200 : 503;
  answer.body = withPeers(json, legs, [](const Leg& leg) { return withBody(describe(leg), leg); });
  return answer;
}

Answer aggregateAnswer(const Legs& legs) {
  Answer answer;
  const auto answered = std::count_if(legs.begin(), legs.end(), [](const auto& leg) { return leg->acknowledged(); });
  const Json json = {
      {"operation", "aggregate"}, {"partial", static_cast<size_t>(answered) < legs.size()}, {"answered", answered}};
  answer.body = withPeers(json, legs, [](const Leg& leg) { return withBody(describe(leg), leg); });
  return answer;
}

Answer erasureAnswer(const Call& call, const Legs& legs, const std::vector<size_t>& targetOf) {
  Answer answer;
  Json attempts = Json::array();
  for (size_t i = 0; i < legs.size(); ++i) {
    Json attempt = describe(*legs[i]);
    attempt["disk"] = call.targets[targetOf[i]].disk;
    attempts.push_back(std::move(attempt));
  }
  const bool stored = legs.back()->acknowledged();
  Json json;
  if (!stored) json["error"] = "all_nodes_failed";
  json["operation"] = "erasure";
  answer.headers.add("peerpulse-attempts", std::to_string(legs.size()));
  if (stored) {
    const std::string& disk = call.targets[targetOf.back()].disk;
    json["stored_on"] = disk;
    answer.headers.add("peerpulse-stored-on", disk);
  }
  answer.status = stored ? 201 : 503;
  json["attempts"] = std::move(attempts);
  answer.body = textOf(json) + "\n";
  return answer;
}

Answer notifyAnswer(const Legs& legs) {
  Answer answer;
  answer.status = 202;
  answer.body = withPeers({{"operation", "notify"}}, legs, [](const Leg& leg) { return textOf(leg.peer().name); });
  return answer;
}

}  // namespace peerpulse::fanout
