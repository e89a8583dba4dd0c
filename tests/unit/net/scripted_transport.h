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

namespace peerpulse::net::test {

/// What a ScriptedTransport does and has seen. Outlives it.
struct Script {
  struct Read {
    IoResult result;
    std::string bytes;  ///< of kOk
  };
  std::deque<IoResult> handshakes;
  std::deque<Read> reads;  ///< afterwards: kAgain
  int writeError = 0;      ///< of every write

  TransportEvents* events = nullptr;
  std::vector<uint32_t> watched;  ///< every watch()
  std::string written;
  bool closed = false;

  void arrives(std::string bytes) { reads.push_back({IoResult::moved(bytes.size()), std::move(bytes)}); }
};

class ScriptedTransport final : public Transport {
 public:
  explicit ScriptedTransport(Script& script) : script_(script) {}

  void attach(TransportEvents& events) override { script_.events = &events; }
  void watch(uint32_t events) override { script_.watched.push_back(events); }
  int connectResult() override { return 0; }
  IoResult handshake() override {
    if (script_.handshakes.empty()) return IoResult::moved(0);
    const IoResult result = script_.handshakes.front();
    script_.handshakes.pop_front();
    return result;
  }
  IoResult read(const iovec* entries, int count) override {
    if (script_.reads.empty()) return IoResult::again(ready::kRead);
    Script::Read& next = script_.reads.front();
    if (next.result.status != IoResult::Status::kOk) {
      const IoResult result = next.result;
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
    return IoResult::moved(moved);
  }
  IoResult write(const iovec* entries, int count) override {
    if (script_.writeError != 0) return IoResult::failed(script_.writeError);
    size_t moved = 0;
    for (int i = 0; i < count; ++i) {
      script_.written.append(static_cast<const char*>(entries[i].iov_base), entries[i].iov_len);
      moved += entries[i].iov_len;
    }
    return IoResult::moved(moved);
  }
  Result<void> shutdownWrite() override { return {}; }
  void close(bool) override { script_.closed = true; }
  bool readableNow() const override { return !script_.reads.empty(); }
  std::optional<LastHeard> lastHeard() const override { return std::nullopt; }
  int fd() const override { return -1; }

 private:
  Script& script_;
};

/// Gives out one transport; then fails.
class ScriptedConnector final : public Connector {
 public:
  explicit ScriptedConnector(Script& script) : script_(&script) {}
  Result<std::unique_ptr<Transport>> connect(const SocketAddress&, const SocketOptions&) override {
    if (script_ == nullptr) return systemError("connect", EADDRNOTAVAIL);
    return std::unique_ptr<Transport>(std::make_unique<ScriptedTransport>(*std::exchange(script_, nullptr)));
  }

 private:
  Script* script_;
};

}  // namespace peerpulse::net::test
