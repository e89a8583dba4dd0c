// A transport whose outcomes are written down beforehand, and a connector that gives it out. It has no descriptor: the
// test says when it is ready.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "peerpulse/net/transport.h"

namespace peerpulse::test {

/// What a ScriptedTransport does and has seen. Outlives it.
struct Script {
  struct Read {
    net::IoResult result;
    std::string bytes;  ///< of kOk
  };
  std::deque<net::IoResult> handshakes;
  std::deque<Read> reads;       ///< afterwards: kAgain
  size_t writeRoom = SIZE_MAX;  ///< bytes that are taken before kAgain
  int writeError = 0;           ///< of every write

  net::TransportEvents* events = nullptr;
  std::vector<uint32_t> watched;  ///< every watch()
  std::string written;
  bool ended = false;  ///< by shutdownWrite()
  bool closed = false;

  void arrives(std::string bytes) { reads.push_back({net::IoResult::moved(bytes.size()), std::move(bytes)}); }
};

class ScriptedTransport final : public net::Transport {
 public:
  explicit ScriptedTransport(Script& script) : script_(script) {}

  void attach(net::TransportEvents& events) override { script_.events = &events; }
  void watch(uint32_t events) override { script_.watched.push_back(events); }
  int connectResult() override { return 0; }
  net::IoResult handshake() override {
    if (script_.handshakes.empty()) return net::IoResult::moved(0);
    const net::IoResult result = script_.handshakes.front();
    script_.handshakes.pop_front();
    return result;
  }
  net::IoResult read(const iovec* entries, int count) override {
    if (script_.reads.empty()) return net::IoResult::again(net::ready::kRead);
    Script::Read& next = script_.reads.front();
    if (next.result.status != net::IoResult::Status::kOk) {
      const net::IoResult result = next.result;
      script_.reads.pop_front();
      return result;
    }
    size_t moved = 0;
    for (int i = 0; i < count; ++i) {
      const size_t n = std::min(entries[i].iov_len, next.bytes.size() - moved);
      std::memcpy(entries[i].iov_base, next.bytes.data() + moved, n);
      moved += n;
    }
    next.bytes.erase(0, moved);
    if (next.bytes.empty()) script_.reads.pop_front();
    return net::IoResult::moved(moved);
  }
  net::IoResult write(const iovec* entries, int count) override {
    if (script_.writeError != 0) return net::IoResult::failed(script_.writeError);
    size_t moved = 0;
    for (int i = 0; i < count && script_.writeRoom > 0; ++i) {
      const size_t n = std::min(entries[i].iov_len, script_.writeRoom);
      script_.written.append(static_cast<const char*>(entries[i].iov_base), n);
      script_.writeRoom -= n;
      moved += n;
    }
    if (moved == 0) return net::IoResult::again(net::ready::kWrite);
    return net::IoResult::moved(moved);
  }
  Result<void> shutdownWrite() override {
    script_.ended = true;
    return {};
  }
  void close(bool) override { script_.closed = true; }
  bool readableNow() const override { return !script_.reads.empty(); }
  std::optional<net::LastHeard> lastHeard() const override { return std::nullopt; }
  int fd() const override { return -1; }

 private:
  Script& script_;
};

/// Gives out one transport; then fails.
class ScriptedConnector final : public net::Connector {
 public:
  explicit ScriptedConnector(Script& script) : script_(&script) {}
  Result<std::unique_ptr<net::Transport>> connect(const SocketAddress&, const net::SocketOptions&) override {
    if (script_ == nullptr) return systemError("connect", EADDRNOTAVAIL);
    return std::unique_ptr<net::Transport>(std::make_unique<ScriptedTransport>(*std::exchange(script_, nullptr)));
  }

 private:
  Script* script_;
};

}  // namespace peerpulse::test
