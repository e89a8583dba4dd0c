// Any text is a configuration or an error that says where, twice the same; and what /config shows of one, put into a file
// again, is that configuration.
#include "peerpulse/config/config.h"

#include <cstdio>
#include <iterator>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "check.h"
#include "fuzzers.h"

namespace peerpulse::fuzz {
namespace {

using Json = nlohmann::ordered_json;

/// Of config::effectiveJson(): what was set, as a file has it; `all`: every value.
Json valuesOf(const Json& shown, bool all) {
  if (shown.is_array()) {
    Json list = Json::array();
    for (const Json& element : shown)
      list.push_back(valuesOf(element, all));
    return list;
  }
  Json object = Json::object();
  for (const auto& [key, value] : shown.items()) {
    if (key == "environment" || key == "warnings") continue;
    if (value.is_object() && value.size() == 2 && value.contains("value") && value.contains("source")) {
      if (all || value["source"] != "default") object[key] = value["value"];
    } else if (value.is_structured()) {
      Json inner = valuesOf(value, all);
      if (all || !inner.empty()) object[key] = std::move(inner);
    }
  }
  return object;
}

void checkShown(const config::Config& config) {
  const Json shown = Json::parse(config::effectiveJson(config));
  const auto again = config::parse(valuesOf(shown, false).dump(), "shown", {});
  if (!again) std::fprintf(stderr, "%s\n%s\n", again.error().message.c_str(), valuesOf(shown, false).dump().c_str());
  FUZZ_CHECK(again, "what is shown of a configuration is one");
  const Json shownAgain = Json::parse(config::effectiveJson(*again));
  FUZZ_CHECK(valuesOf(shown, true) == valuesOf(shownAgain, true), "what is shown is what it is");
}

void checkAgain(const Result<config::Config>& first, const Result<config::Config>& second) {
  FUZZ_CHECK(static_cast<bool>(first) == static_cast<bool>(second), "the same text, the same verdict");
  if (!first) {
    FUZZ_CHECK(first.error().message == second.error().message, "the same text, the same errors");
  } else {
    FUZZ_CHECK(config::effectiveJson(*first) == config::effectiveJson(*second),
               "the same text, the same configuration");
  }
}

/// What an input is looked at for beside its verdict; else nothing.
enum Look : uint32_t { kShown, kTwice };

}  // namespace

void fuzzConfig(Input input) {
  config::Environment environment;
  const uint32_t choices = input.byte();
  if ((choices & 1U) != 0) {
    // One variable, its value the text's first bytes.
    static constexpr const char* kNames[] = {"PEERPULSE_CONNECT_TIMEOUT",   "PEERPULSE_RPC_TIMEOUT",
                                             "RUSTFS_PEER_TIMEOUT",         "RUSTFS_RETRY_BACKOFF_MS",
                                             "PEERPULSE_POOL_IDLE_TIMEOUT", "RUSTFS_CIRCUIT_BREAKER_THRESHOLD"};
    environment[kNames[input.below(std::size(kNames))]] = std::string(input.rest().substr(0, input.below(16)));
  }
  const auto first = config::parse(input.rest(), "fuzz", environment);
  // Either costs more than the verdict itself: an input is for one of them.
  const uint32_t look = choices >> 1U & 3U;
  if (look == kTwice) checkAgain(first, config::parse(input.rest(), "fuzz", environment));
  if (!first) {
    const std::string& text = first.error().message;
    FUZZ_CHECK(!text.empty(), "an error has words");
    FUZZ_CHECK(text.size() <= 64 * 1024 + 512 * input.rest().size(),
               "errors grow no faster than what they are about");
    return;
  }
  FUZZ_CHECK(!first->proxy.peers.empty(), "no configuration without a peer");
  if (look == kShown) checkShown(*first);
}

}  // namespace peerpulse::fuzz
