#include "peer_client.h"

#include <algorithm>

namespace peerpulse::erasure_writer {

PeerClient::PeerClient(wire::IoContext& io, const SocketAddress& address, std::string authority,
                       const Options& options)
    : io_(io), address_(address), authority_(std::move(authority)), options_(options) {}

PeerClient::~PeerClient() = default;

void PeerClient::submit(ClientRequest& request) {
  request.submitted();
  waiting_.pushBack(request);
  serveWaiting();
}

// Wakes (or opens) as many connections as the waiting requests need.
void PeerClient::serveWaiting() {
  if (closing_) return;
  size_t needed = waiting_.size();
  for (auto it = connections_.rbegin(); it != connections_.rend() && needed > 0; ++it) {
    ClientConnection& connection = **it;
    const bool open = connection.canOpenStream();
    if (open) connection.wake();
    if (!open && !connection.connecting()) continue;
    // One h2 connection takes them all, or as many as the peer allows at a time.
    needed = options_.protocol == Protocol::kHttp2 ? 0 : needed - 1;
  }
  while (needed > 0 && mayConnect()) {
    connections_.push_back(std::make_unique<ClientConnection>(
        io_, address_, options_.protocol, options_.connectTimeout, static_cast<ClientConnectionOwner&>(*this)));
    --needed;
  }
}

bool PeerClient::mayConnect() const {
  if (options_.protocol == Protocol::kHttp1) return connections_.size() < options_.maxConnections;
  return std::all_of(connections_.begin(), connections_.end(), [](const auto& c) { return c->retired(); }) &&
         connections_.size() < options_.maxConnections;
}

void PeerClient::onRoom(ClientConnection& connection) {
  while (!waiting_.empty() && connection.canOpenStream()) {
    waiting_.front().begin(connection.codec(), authority_);
  }
}

void PeerClient::onGone(ClientConnection& connection, const std::string& error) {
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto& owned) { return owned.get() == &connection; });
  const bool refused = connection.refused();
  io_.scheduler.deferredDelete(std::move(*found));
  connections_.erase(found);
  if (closing_) return;
  // A connection that failed to open was opened for somebody who waits: on h1 for one request, on h2 for all.
  if (refused) {
    size_t failing = options_.protocol == Protocol::kHttp2 ? waiting_.size() : 1;
    for (; failing > 0 && !waiting_.empty(); --failing)
      waiting_.front().fail(error);
  }
  serveWaiting();
}

void PeerClient::closeAll() {
  closing_ = true;
  while (!waiting_.empty())
    waiting_.front().fail("closed");
  while (!connections_.empty())
    connections_.back()->close("closed");
}

}  // namespace peerpulse::erasure_writer
