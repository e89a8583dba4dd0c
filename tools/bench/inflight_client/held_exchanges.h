// HeldExchanges: many requests under way at a time that nobody answers, and when each of them ended.
//
// Threading: the loop's thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "client_loop.h"
#include "erasure_writer/peer_client.h"

namespace peerpulse::bench {

class HeldExchanges {
 public:
  struct Options {
    SocketAddress target;
    std::string path = "/hold";
    erasure_writer::Protocol protocol = erasure_writer::Protocol::kHttp1;
    size_t exchanges = 1000;
    size_t connections = 1000;  ///< h1: as many as exchanges
    Duration timeout = seconds(60);
  };

  HeldExchanges(ClientLoop& loop, const Options& options);
  ~HeldExchanges();

  /// Opens connections a few at a time; the loop's run() returns when every exchange has ended.
  void start();
  /// Gives up what is still held.
  void stop();

  /// {"event":"ended","exchanges":N,"failed_ns":[...],"outcomes":{"503":N,...}}: when those that failed did
  /// so.
  nlohmann::json report() const;

 private:
  // Small against the backlog of a listening socket.
  static constexpr size_t kConnectsAtOnce = 25;
  static constexpr Duration kConnectInterval = milliseconds(5);

  void openMore();
  void submit(erasure_writer::PeerClient& connection, size_t count);
  void onEnded(erasure_writer::ClientRequest& request);

  ClientLoop& loop_;
  const Options options_;
  std::unique_ptr<event::Timer> openTimer_;
  // One connection each. After them the requests, which must be done before they die.
  std::vector<std::unique_ptr<erasure_writer::PeerClient>> connections_;
  std::vector<std::unique_ptr<erasure_writer::ClientRequest>> requests_;
  std::vector<int64_t> failedNanos_;
  std::map<std::string, uint64_t> outcomes_;
  size_t ended_ = 0;
  bool stopping_ = false;
};

}  // namespace peerpulse::bench
