// Manifest: what a recipe has put on this host, as JSON: of files the content, so that a change by somebody else can be seen.
//
// Pure. Errors: text that is no such JSON.
#pragma once

#include <string>
#include <vector>

#include "peerpulse/base/result.h"
#include "peerpulse/recipe/plan.h"

namespace peerpulse::recipe {

inline constexpr const char* kManifestPath = "/etc/peerpulse/recipe.json";

struct Manifest {
  std::string store;             ///< empty: not known
  std::vector<HostEntry> hosts;  ///< of the block in /etc/hosts, there or to come
  std::vector<OwnFile> files;
  std::vector<OwnLink> links;
  std::vector<std::string> folders;  ///< that were not there before, outermost first
  bool madeHosts = false;            ///< there was no /etc/hosts
  bool routed = false;               ///< the route of the addresses is the recipe's

  /// Also what another one has: where one is being replaced both are on the host.
  Manifest with(const Manifest& other) const;

  std::string text() const;
  static Result<Manifest> parse(const std::string& text);
};

}  // namespace peerpulse::recipe
