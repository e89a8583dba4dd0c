// PeerClient: requests to one peer over keepalive connections: h1 one request at a time on each, h2 many on
// one. Requests wait in order for a connection; nothing is ever sent twice.
//
// Threading: the loop's thread.
// Ownership: owns its connections. Requests are their submitters' and must be done (or cancelled) before this
//   dies.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "erasure_writer/client_connection.h"
#include "erasure_writer/client_request.h"

namespace peerpulse::erasure_writer {

class PeerClient : private ClientConnectionOwner {
 public:
  struct Options {
    Protocol protocol = Protocol::kHttp1;
    size_t maxConnections = 64;
    Duration connectTimeout = seconds(10);
  };

  PeerClient(wire::IoContext& io, const SocketAddress& address, std::string authority, const Options& options);
  ~PeerClient() override;

  void submit(ClientRequest& request);
  const std::string& authority() const { return authority_; }
  void closeAll();

 private:
  void onRoom(ClientConnection& connection) override;
  void onGone(ClientConnection& connection, const std::string& error) override;
  void serveWaiting();
  bool mayConnect() const;

  wire::IoContext& io_;
  SocketAddress address_;
  std::string authority_;
  Options options_;
  LinkedList<ClientRequest, WaitingTag> waiting_;
  std::vector<std::unique_ptr<ClientConnection>> connections_;
  bool closing_ = false;
};

}  // namespace peerpulse::erasure_writer
