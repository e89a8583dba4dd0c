// HangingServer: a peer that takes every request and answers none, over h1 and h2c on one port; but
// GET /ok at once with 200, and GET /held with the number of requests taken and never answered so far.
//
// Threading: the loop's thread.
// Ownership: owns its sessions and exchanges. The socket must outlive it.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "client_loop.h"
#include "peerpulse/net/listener.h"
#include "storage_node/session.h"

namespace peerpulse::bench {

class HangingServer : private storage_node::SessionHost {
 public:
  HangingServer(ClientLoop& loop, net::ListenSocket& socket);
  ~HangingServer() override;

 private:
  class Exchange;

  wire::IoContext& io() override { return loop_.io(); }
  http::Receiver* serve(storage_node::Session& session, http::ResponseStream& stream,
                        const http::RequestHead& head) override;
  http::Receiver* refuse(storage_node::Session& session, http::ResponseStream& stream, int status,
                         std::string_view detail) override;
  void release(storage_node::Session& session) override;

  http::Receiver* adopt(std::unique_ptr<Exchange> exchange);
  void release(Exchange& exchange);

  ClientLoop& loop_;
  net::Acceptor acceptor_;
  uint64_t held_ = 0;
  std::unordered_map<Exchange*, std::unique_ptr<Exchange>> exchanges_;
  // After the exchanges, so that they die before what their codecs point to.
  std::unordered_map<storage_node::Session*, std::unique_ptr<storage_node::Session>> sessions_;
};

}  // namespace peerpulse::bench
