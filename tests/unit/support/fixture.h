// Two hosts, a loop on each and a path between them; and processes' ends that read what comes and write what they are
// given.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "memory_listener.h"
#include "memory_network.h"
#include "memory_transport.h"
#include "virtual_scheduler.h"

namespace peerpulse::test {

class Talker : net::TransportEvents {
 public:
  Talker(std::unique_ptr<net::Transport> t, bool accepted, VirtualTime& time)
      : transport(std::move(t)), open_(accepted), time_(time) {
    transport->attach(*this);
    updateWatch();
  }

  void say(std::string text) {
    pending_ += text;
    if (open_) writeAll();
  }
  void setReading(bool on) {
    reading_ = on;
    updateWatch();
  }
  size_t pending() const { return pending_.size(); }
  bool connected() const { return open_ && !connectError; }

  std::unique_ptr<net::Transport> transport;
  std::string heard;
  size_t reads = 0;
  bool ended = false;
  int error = 0;                    // of reading or writing
  std::optional<int> connectError;  // of a failed connect
  std::optional<TimePoint> connectedAt, heardAt, endedAt, failedAt;

 private:
  void onTransportReady(uint32_t events) override {
    if (!open_) {
      open_ = true;
      const int result = transport->connectResult();
      if (result != 0) {
        connectError = result;
        failedAt = time_.now();
        transport->close(false);
        return;
      }
      connectedAt = time_.now();
      writeAll();
    }
    if ((events & net::ready::kRead) != 0) readAll();
    if ((events & net::ready::kWrite) != 0 && !over()) writeAll();
    updateWatch();
  }
  void readAll() {
    using Status = net::IoResult::Status;
    char bytes[4096];
    const iovec entry{bytes, sizeof bytes};
    while (!over() && !ended) {
      const net::IoResult result = transport->read(&entry, 1);
      if (result.status == Status::kAgain) return;
      if (result.status == Status::kOk) {
        ++reads;
        heard.append(bytes, result.bytes);
        heardAt = time_.now();
      } else if (result.status == Status::kEnd) {
        ended = true;
        endedAt = time_.now();
      } else {
        fail(result.error);
      }
    }
  }
  void writeAll() {
    while (!pending_.empty()) {
      const iovec entry{pending_.data(), pending_.size()};
      const net::IoResult result = transport->write(&entry, 1);
      if (result.status == net::IoResult::Status::kAgain) break;
      if (result.status != net::IoResult::Status::kOk) {
        fail(result.error);
        break;
      }
      pending_.erase(0, result.bytes);
    }
    updateWatch();
  }
  void fail(int what) {
    error = what;
    failedAt = time_.now();
  }
  bool over() const { return error != 0 || connectError.has_value(); }
  void updateWatch() {
    uint32_t events = 0;
    if (!open_ || !pending_.empty()) events |= net::ready::kWrite;
    if (open_ && reading_ && !ended) events |= net::ready::kRead;
    transport->watch(over() ? 0 : events);
  }

  bool open_;
  VirtualTime& time_;
  bool reading_ = true;
  std::string pending_;
};

struct TwoHosts {
  static constexpr Duration kDelay = milliseconds(5);  // one way

  explicit TwoHosts(const NetworkOptions& options = {}, const HostOptions& hosts = {})
      : network(time, options),
        client(network.addHost("10.0.0.1", hosts)),
        server(network.addHost("10.0.0.2", hosts)),
        connector(network, client, clientLoop) {
    network.setPaths(client, server, {.delay = kDelay});
    listen();
  }
  void listen(size_t backlog = 1024) {
    acceptor.reset();
    listener.reset();
    listener.emplace(network, server, address, backlog);
    acceptor.emplace(serverLoop, *listener, [this](std::unique_ptr<net::Transport> transport) {
      accepted.emplace_back(std::move(transport), true, time);
    });
  }
  std::unique_ptr<Talker> connect(const net::SocketOptions& options = {}) {
    auto transport = connector.connect(address, options);
    REQUIRE(transport);
    return std::make_unique<Talker>(std::move(*transport), false, time);
  }
  /// An established connection; its server's side is accepted.back().
  std::unique_ptr<Talker> connected(const net::SocketOptions& options = {}) {
    auto talker = connect(options);
    time.runFor(4 * kDelay);
    REQUIRE(talker->connected());
    REQUIRE_FALSE(accepted.empty());
    return talker;
  }
  Talker& peer() { return accepted.back(); }

  VirtualTime time;
  MemoryNetwork network;
  const HostId client, server;
  VirtualScheduler clientLoop{time}, serverLoop{time};
  MemoryConnector connector;
  const SocketAddress address = *SocketAddress::parse("10.0.0.2:9000");
  std::optional<MemoryListener> listener;
  std::optional<MemoryAcceptor> acceptor;
  std::deque<Talker> accepted;
};

/// Bytes that show where they belong.
inline std::string pattern(size_t n) {
  std::string text(n, '\0');
  for (size_t i = 0; i < n; ++i)
    text[i] = static_cast<char>('a' + i % 23 + i / 1000 % 3);
  return text;
}

}  // namespace peerpulse::test
