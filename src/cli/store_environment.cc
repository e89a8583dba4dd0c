#include "store_environment.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace peerpulse::cli {

namespace {

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string valueOf(const std::map<std::string, std::string>& environment, const std::string& name) {
  for (const auto& [key, value] : environment) {
    if (lowered(key) == name && !value.empty()) return value;
  }
  return "";
}

}  // namespace

bool coveredByNoProxy(const std::string& noProxy, const std::vector<std::string>& peers) {
  std::vector<std::string> entries;
  std::istringstream list(lowered(noProxy));
  for (std::string entry; std::getline(list, entry, ',');) {
    std::erase(entry, ' ');
    if (!entry.empty()) entries.push_back(entry);
  }
  if (std::find(entries.begin(), entries.end(), "*") != entries.end()) return true;
  return !peers.empty() && std::all_of(peers.begin(), peers.end(), [&](const std::string& peer) {
    const std::string name = lowered(peer);
    return std::any_of(entries.begin(), entries.end(), [&](const std::string& entry) {
      const std::string bare = entry.starts_with('.') ? entry.substr(1) : entry;
      return name == bare || name.ends_with("." + bare);
    });
  });
}

namespace {

/// Scheme, host and port, without user, password, path and query: what a doctor says goes into tickets. A password may have any
/// character, so the host begins after the last @.
std::string withoutSecrets(const std::string& url) {
  const size_t colon = url.find("://");
  const size_t begin = colon == std::string::npos ? 0 : colon + 3;
  const size_t at = url.rfind('@');
  const bool secret = at != std::string::npos && at >= begin;
  const std::string host = url.substr(secret ? at + 1 : begin);
  return url.substr(0, begin) + (secret ? "***@" : "") + host.substr(0, host.find_first_of("/?#"));
}

}  // namespace

Findings checkStoreEnvironment(const std::string& process, const std::map<std::string, std::string>& environment,
                               const std::vector<std::string>& peers) {
  Findings findings;
  const bool exempt = lowered(valueOf(environment, "rustfs_internode_http_proxy")) == "off" ||
                      coveredByNoProxy(valueOf(environment, "no_proxy"), peers);
  for (const char* name : {"http_proxy", "https_proxy", "all_proxy"}) {
    const std::string value = valueOf(environment, name);
    if (value.empty() || exempt) continue;
    findings.push_back({Severity::kProblem, "environment", "process " + process,
                        std::string("has ") + name + "=" + withoutSecrets(value) +
                            ": requests to its peers by name go to that proxy, not to "
                            "peerpulse",
                        "unset it for the store, or NO_PROXY with all nodes' names; RustFS since beta.9: "
                        "RUSTFS_INTERNODE_HTTP_PROXY=off"});
  }
  if (environment.contains("MINIO_ADDRESS")) {
    findings.push_back(
        {Severity::kProblem, "environment", "process " + process,
         "has MINIO_ADDRESS: it differs from node to node, so the nodes refuse each other and the cluster "
         "never forms",
         "use --address or MINIO_OPTS instead"});
  }
  if (findings.empty())
    findings.push_back({Severity::kOk, "environment", "process " + process, "no proxy in its way", ""});
  return findings;
}

}  // namespace peerpulse::cli
