#include "page_asset.h"

#include <algorithm>

namespace peerpulse::admin {

const PageAsset* findPageAsset(std::string_view name) {
  const std::span<const PageAsset> all = pageAssets();
  const auto found = std::find_if(all.begin(), all.end(), [&](const PageAsset& asset) { return asset.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace peerpulse::admin
