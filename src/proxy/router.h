// Router: chooses an exchange's route, and with it its traffic class, by method, path prefix and content-type.
//
// Threading: immutable after construction.
#pragma once

#include <cstddef>
#include <vector>

#include "peerpulse/http/message.h"
#include "peerpulse/proxy/options.h"

namespace peerpulse::proxy {

class Router {
 public:
  /// `routes` must outlive the router; the last one must match everything.
  explicit Router(const std::vector<Route>& routes) : routes_(routes) {}

  /// The index of the first route that matches.
  size_t match(const http::RequestHead& head) const;
  const Route& route(size_t i) const { return routes_[i]; }

 private:
  const std::vector<Route>& routes_;
};

}  // namespace peerpulse::proxy
