#include "router.h"

#include "peerpulse/base/assert.h"

namespace peerpulse::proxy {

namespace {

bool matches(const Route& route, const http::RequestHead& head) {
  if (!route.method.empty() && route.method != head.method) return false;
  if (!head.path.starts_with(route.pathPrefix)) return false;
  if (route.contentTypePrefix.empty()) return true;
  const std::string_view type = head.headers.find("content-type");
  return type.size() >= route.contentTypePrefix.size() &&
         http::equalsIgnoreCase(type.substr(0, route.contentTypePrefix.size()), route.contentTypePrefix);
}

}  // namespace

size_t Router::match(const http::RequestHead& head) const {
  PP_ASSERT(!routes_.empty());
  for (size_t i = 0; i < routes_.size(); ++i) {
    if (matches(routes_[i], head)) return i;
  }
  return routes_.size() - 1;
}

}  // namespace peerpulse::proxy
