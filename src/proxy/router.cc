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

size_t matchRoute(const std::vector<Route>& routes, const http::RequestHead& head) {
  PP_ASSERT(!routes.empty());
  for (size_t i = 0; i < routes.size(); ++i) {
    if (matches(routes[i], head)) return i;
  }
  return routes.size() - 1;
}

}  // namespace peerpulse::proxy
