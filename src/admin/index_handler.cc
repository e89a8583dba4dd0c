#include "page_handler.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::admin {

namespace {

// For who asks by curl.
constexpr const char* kListing = R"(/                       this list; to a browser, a page
/livez                  200 while the process runs
/readyz                 200 once every listener is bound and every peer has a verdict
/cluster                quorum, and who is offline
/peers                  every peer; /peers?wait=VERSION: as soon as something changed
/peers/NAME             one of them
/peers/NAME/circuit     POST {"state":"open"|"closed"|"auto","ttl":"10m","why":"..."}
/events                 transitions and warnings, live; /events?history=1: the last 1,024
/config                 every value and its source
/metrics                for Prometheus
)";

bool wantsPage(const Request& request) {
  return request.headers.find("accept").find("text/html") != std::string_view::npos;
}

}  // namespace

Response handleIndex(const Context&, const Request& request) {
  Response response{.contentType = "text/plain; charset=utf-8", .body = kListing};
  if (wantsPage(request)) {
    const PageAsset* page = findPageAsset("index.html");
    PP_ASSERT(page != nullptr);
    response = pageResponse(*page, request);
  }
  response.headers.emplace_back("vary", "accept");
  return response;
}

}  // namespace peerpulse::admin
