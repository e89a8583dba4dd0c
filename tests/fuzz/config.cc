// Any text is a configuration or an error that says where, twice the same.
#include "peerpulse/config/config.h"

#include <iterator>
#include <string>

#include "check.h"
#include "fuzzers.h"

namespace peerpulse::fuzz {

void fuzzConfig(Input input) {
  config::Environment environment;
  if (input.flag()) {
    // One variable, its value the text's first bytes.
    static constexpr const char* kNames[] = {"PEERPULSE_CONNECT_TIMEOUT",   "PEERPULSE_RPC_TIMEOUT",
                                             "RUSTFS_PEER_TIMEOUT",         "RUSTFS_RETRY_BACKOFF_MS",
                                             "PEERPULSE_POOL_IDLE_TIMEOUT", "RUSTFS_CIRCUIT_BREAKER_THRESHOLD"};
    environment[kNames[input.below(std::size(kNames))]] = std::string(input.rest().substr(0, input.below(16)));
  }
  const auto first = config::parse(input.rest(), "fuzz", environment);
  const auto second = config::parse(input.rest(), "fuzz", environment);
  FUZZ_CHECK(static_cast<bool>(first) == static_cast<bool>(second), "the same text, the same verdict");
  if (!first) {
    const std::string& text = first.error().message;
    FUZZ_CHECK(text == second.error().message, "the same text, the same errors");
    FUZZ_CHECK(!text.empty(), "an error has words");
    FUZZ_CHECK(text.size() <= 64 * 1024 + 512 * input.rest().size(),
               "errors grow no faster than what they are about");
    return;
  }
  FUZZ_CHECK(!first->proxy.peers.empty(), "no configuration without a peer");
  FUZZ_CHECK(config::effectiveJson(*first) == config::effectiveJson(*second),
             "the same text, the same configuration");
}

}  // namespace peerpulse::fuzz
