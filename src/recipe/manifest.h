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
  std::vector<OwnFile> files;
  std::vector<OwnLink> links;
  std::vector<std::string> folders;  ///< that were not there before, outermost first

  std::string text() const;
  static Result<Manifest> parse(const std::string& text);
};

}  // namespace peerpulse::recipe
