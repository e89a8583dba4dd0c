// One function per endpoint, each in a file of its own, and the table that chooses among them.
//
// Threading: the admin's thread. Handlers are plain functions of the sources and the request.
#pragma once

#include <optional>

#include "caller.h"
#include "override_book.h"
#include "peerpulse/admin/server.h"
#include "request.h"

namespace peerpulse::admin {

struct Context {
  const Sources& sources;
  const SocketAddress& listen;  ///< where the admin is bound
  TimePoint now;
  const proxy::SnapshotRef snapshot;  ///< pinned for this answer
  WallTime wall{};                    ///< `now` by the wall clock
  const Caller caller{};
  OverrideBook* overrides = nullptr;  ///< optional

  const std::vector<proxy::PeerOptions>& peers() const { return snapshot->options.peers; }
};

Response handleIndex(const Context& context, const Request& request);
/// /page/<file>
Response handlePageFile(const Context& context, const Request& request);
Response handleLivez(const Context& context, const Request& request);
Response handleReadyz(const Context& context, const Request& request);
Response handlePeers(const Context& context, const Request& request);
/// /peers/<name>
Response handlePeer(const Context& context, const Request& request);
/// POST /peers/<name>/circuit
Response handleCircuit(const Context& context, const Request& request);
Response handleCluster(const Context& context, const Request& request);
Response handleConfig(const Context& context, const Request& request);
Response handleMetrics(const Context& context, const Request& request);
/// /events?history=1; live streams are the connection's business.
Response handleEventHistory(const Context& context, const Request& request);

/// Routes by path and method: 404, and 405 with Allow.
Response handle(const Context& context, const Request& request);
/// Whether the request asks for the live event stream.
bool wantsEventStream(const Request& request);

/// The state of this host itself: kProberStalled, or what Sources::localHealth says.
std::string localHealth(const Context& context);
inline constexpr const char* kProberStalled = "prober_stalled";

/// The peer named by the path's second segment ("/peers/node2/circuit"); nothing if there is none of that
/// name.
const proxy::PeerOptions* peerOfPath(const Context& context, const Request& request);

}  // namespace peerpulse::admin
