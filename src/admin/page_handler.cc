#include "page_handler.h"

#include "json_response.h"
#include "page_asset.h"

namespace peerpulse::admin {

namespace {

// Nothing but the page's own files and this admin; no markup from a script, whatever a peer is called (everything is set
// as text).
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// One of the entity tags of If-None-Match (RFC 9110 13.1.2: weak ones are as good).
bool hasTag(std::string_view list, std::string_view etag) {
  if (list == "*") return true;
  for (size_t at = list.find(etag); at != std::string_view::npos; at = list.find(etag, at + 1)) {
    const size_t end = at + etag.size();
    if (end == list.size() || list[end] == ',' || list[end] == ' ') return true;
  }
  return false;
}

}  // namespace

Response pageResponse(const PageAsset& asset, const Request& request) {
  Response response{.contentType = std::string(asset.contentType), .cacheControl = "no-cache"};
  response.headers = {{"etag", std::string(asset.etag)},
                      {"content-security-policy", kPolicy},
                      {"referrer-policy", "no-referrer"},
                      {"cross-origin-opener-policy", "same-origin"},
                      {"cross-origin-resource-policy", "same-origin"}};
  if (hasTag(request.headers.find("if-none-match"), asset.etag)) {
    response.status = 304;
  } else {
    response.body = asset.content;
  }
  return response;
}

Response handlePageFile(const Context&, const Request& request) {
  std::string_view name = request.path;
  name.remove_prefix(std::string_view("/page/").size());
  const PageAsset* asset = findPageAsset(name);
  if (asset == nullptr) return errorResponse(404, "not_found", "the page has no such file");
  return pageResponse(*asset, request);
}

}  // namespace peerpulse::admin
