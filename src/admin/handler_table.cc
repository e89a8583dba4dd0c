#include <algorithm>
#include <string_view>

#include "handlers.h"
#include "json_response.h"
#include "same_origin.h"

namespace peerpulse::admin {

namespace {

using Handler = Response (*)(const Context&, const Request&);

struct Entry {
  std::string_view pattern;  ///< "*" stands for one segment
  Handler read;              ///< GET and HEAD
  Handler change;            ///< POST
};

constexpr Entry kTable[] = {
    {"/", handleIndex, nullptr},          {"/livez", handleLivez, nullptr},
    {"/readyz", handleReadyz, nullptr},   {"/peers", handlePeers, nullptr},
    {"/peers/*", handlePeer, nullptr},    {"/peers/*/circuit", nullptr, handleCircuit},
    {"/cluster", handleCluster, nullptr}, {"/config", handleConfig, nullptr},
    {"/metrics", handleMetrics, nullptr}, {"/events", handleEventHistory, nullptr},
    {"/page/*", handlePageFile, nullptr},
};

bool matches(std::string_view pattern, std::string_view path) {
  while (!pattern.empty() && !path.empty()) {
    if (pattern[0] == '*') {
      const size_t end = std::min(path.find('/'), path.size());
      if (end == 0) return false;
      path.remove_prefix(end);
    } else if (pattern[0] == path[0]) {
      path.remove_prefix(1);
    } else {
      return false;
    }
    pattern.remove_prefix(1);
  }
  return pattern.empty() && path.empty();
}

/// What admin.metrics_listen shows.
bool isForAll(std::string_view path) { return path == "/metrics" || path == "/livez" || path == "/readyz"; }

Response methodNotAllowed(const Entry& entry) {
  const char* allow = entry.change == nullptr ? "GET, HEAD" : entry.read == nullptr ? "POST" : "GET, HEAD, POST";
  Response response =
      errorResponse(405, "method_not_allowed", std::string(entry.pattern) + " allows " + allow + " only");
  response.headers.emplace_back("allow", allow);
  return response;
}

}  // namespace

Response handle(const Context& context, const Request& request) {
  if (context.caller.metricsOnly && !isForAll(request.path)) {
    return errorResponse(
        404, "not_found",
        "this listener (admin.metrics_listen) has /metrics, /livez and /readyz; the rest is on admin.listen");
  }
  for (const Entry& entry : kTable) {
    if (!matches(entry.pattern, request.path)) continue;
    if (request.isRead() && entry.read != nullptr) return entry.read(context, request);
    if (request.method != "POST" || entry.change == nullptr) return methodNotAllowed(entry);
    if (Response refusal = refuseChange(context.caller, request, context.sources.token); refusal.status != 0)
      return refusal;
    const Result<void> sameOrigin = checkSameOrigin(context.listen, request);
    if (!sameOrigin) return errorResponse(403, "forbidden", sameOrigin.error().message);
    return entry.change(context, request);
  }
  return errorResponse(404, "not_found", "there is no such path; / lists what there is");
}

bool wantsEventStream(const Request& request) {
  return request.method == "GET" && request.path == "/events" && !request.hasParameter("history=1");
}

std::string localHealth(const Context& context) {
  if (context.sources.circuits->proberStalled(context.now)) return kProberStalled;
  return context.sources.localHealth ? context.sources.localHealth() : "ok";
}

const proxy::PeerOptions* peerOfPath(const Context& context, const Request& request) {
  std::string_view name = request.path;
  name.remove_prefix(std::string_view("/peers/").size());
  name = name.substr(0, name.find('/'));
  for (const proxy::PeerOptions& peer : context.peers()) {
    if (peer.name == name) return &peer;
  }
  return nullptr;
}

}  // namespace peerpulse::admin
