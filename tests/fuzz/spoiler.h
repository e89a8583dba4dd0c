// A connection on which bytes are spoilt: changed, lost or made up at given places of what one side writes.
//
// Threading: one thread. Ownership: a Spoiler owns the transport below it; its Spoil outlives it.
#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "peerpulse/net/transport.h"

namespace peerpulse::fuzz {

/// What befalls one direction.
struct Spoil {
  enum class Kind : uint8_t { kChange, kDrop, kInsert };
  struct Edit {
    Kind kind;
    size_t at;  ///< of the bytes written
    uint8_t value;
  };
  std::vector<Edit> edits;
  size_t written = 0;
  bool done = false;  ///< any edit took place

  /// What becomes of one byte.
  void pass(char byte, std::string& out) {
    bool kept = true;
    for (const Edit& edit : edits) {
      if (edit.at != written) continue;
      done = true;
      if (edit.kind == Kind::kChange) byte = static_cast<char>(static_cast<uint8_t>(byte) ^ (edit.value | 1U));
      if (edit.kind == Kind::kDrop) kept = false;
      if (edit.kind == Kind::kInsert) out.push_back(static_cast<char>(edit.value));
    }
    if (kept) out.push_back(byte);
    ++written;
  }
};

class Spoiler final : public net::Transport {
 public:
  Spoiler(std::unique_ptr<net::Transport> below, Spoil& spoil) : below_(std::move(below)), spoil_(spoil) {}

  void attach(net::TransportEvents& events) override { below_->attach(events); }
  void watch(uint32_t events) override { below_->watch(events); }
  int connectResult() override { return below_->connectResult(); }
  net::IoResult handshake() override { return below_->handshake(); }
  net::IoResult read(const iovec* entries, int count) override { return below_->read(entries, count); }
  net::IoResult write(const iovec* entries, int count) override {
    std::string out;
    size_t taken = 0;
    for (int i = 0; i < count; ++i) {
      taken += entries[i].iov_len;
      for (size_t n = 0; n < entries[i].iov_len; ++n)
        spoil_.pass(static_cast<const char*>(entries[i].iov_base)[n], out);
    }
    if (out.empty()) return net::IoResult::moved(taken);
    const iovec entry{out.data(), out.size()};
    const net::IoResult result = below_->write(&entry, 1);
    if (result.status != net::IoResult::Status::kOk) return result;
    FUZZ_CHECK(result.bytes == out.size(), "less is said than the network takes at once");
    return net::IoResult::moved(taken);
  }
  Result<void> shutdownWrite() override { return below_->shutdownWrite(); }
  void close(bool reset) override { below_->close(reset); }
  bool readableNow() const override { return below_->readableNow(); }
  std::optional<net::LastHeard> lastHeard() const override { return below_->lastHeard(); }
  int fd() const override { return below_->fd(); }

 private:
  std::unique_ptr<net::Transport> below_;
  Spoil& spoil_;
};

/// Connects by another one, and spoils what is written.
class SpoilingConnector final : public net::Connector {
 public:
  SpoilingConnector(net::Connector& below, Spoil& spoil) : below_(below), spoil_(spoil) {}
  Result<std::unique_ptr<net::Transport>> connect(const SocketAddress& address,
                                                  const net::SocketOptions& options) override {
    auto transport = below_.connect(address, options);
    if (!transport) return transport;
    return std::unique_ptr<net::Transport>(std::make_unique<Spoiler>(std::move(*transport), spoil_));
  }

 private:
  net::Connector& below_;
  Spoil& spoil_;
};

}  // namespace peerpulse::fuzz
