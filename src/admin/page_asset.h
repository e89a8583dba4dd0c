// PageAsset: one file of the admin page (src/admin/page/), embedded when peerpulse is built (embed_page.py).
//
// Thread safety: constants.
#pragma once

#include <span>
#include <string_view>

namespace peerpulse::admin {

struct PageAsset {
  std::string_view name;         ///< of the file: "page.js"
  std::string_view contentType;  ///< by its extension
  std::string_view etag;         ///< of its content, quoted; another content has another one
  std::string_view content;
};

/// By name, without order that matters.
std::span<const PageAsset> pageAssets();
/// Null if there is no such file.
const PageAsset* findPageAsset(std::string_view name);

}  // namespace peerpulse::admin
