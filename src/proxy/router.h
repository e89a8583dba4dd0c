// Router: chooses an exchange's route, and with it its traffic class, by method, path prefix and content-type. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "peerpulse/http/message.h"
#include "peerpulse/proxy/options.h"

namespace peerpulse::proxy {

/// The index of the first route that matches; the last one must match everything.
size_t matchRoute(const std::vector<Route>& routes, const http::RequestHead& head);

}  // namespace peerpulse::proxy
