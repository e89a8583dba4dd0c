// RaceTransport: several connects to one peer that look like one transport ("Happy Eyeballs", RFC 8305 5). The first address is
// tried, after the attempt delay, or as soon as an attempt has failed, the next one beside it, and so on; whoever is connected
// first is the transport from then on, and the others are closed without a word.
//
//   Racing --one is connected--> Won --close()--> Closed
//   Racing --all have failed--> Lost --close()--> Closed        Racing --close()--> Closed
//
// It fails only when all have: by what says most of the peer, so that a family this host has no route of hides nothing.
//
// Threading: its loop's thread.
// Ownership: owns the attempts; the addresses are copied.
// Bounds: a descriptor for each address, while it races.
#pragma once

#include <memory>
#include <vector>

#include "peerpulse/event/scheduler.h"
#include "peerpulse/net/destination.h"
#include "peerpulse/net/transport.h"

namespace peerpulse::net {

class RaceTransport final : public Transport {
 public:
  /// Begins with the first address that can be begun with. An error: none can.
  static Result<std::unique_ptr<Transport>> start(event::Scheduler& scheduler, Connector& connector,
                                                  const Destination& to, const SocketOptions& options);
  ~RaceTransport() override;

  void attach(TransportEvents& events) override;
  void watch(uint32_t events) override;
  int connectResult() override { return error_; }
  IoResult handshake() override { return winner_->handshake(); }
  IoResult read(const iovec* entries, int count) override { return winner_->read(entries, count); }
  IoResult write(const iovec* entries, int count) override { return winner_->write(entries, count); }
  Result<void> shutdownWrite() override { return winner_->shutdownWrite(); }
  void close(bool reset) override;
  bool readableNow() const override { return winner_ != nullptr && winner_->readableNow(); }
  std::optional<LastHeard> lastHeard() const override;
  std::optional<SendState> sendState() const override;
  /// While it races, that of an attempt.
  int fd() const override;
  Error failure(const char* what, int code) const override;
  /// Null until the race is won.
  const TlsInfo* tls() const override { return winner_ != nullptr ? winner_->tls() : nullptr; }

 private:
  enum class State : uint8_t { kRacing, kWon, kLost, kClosed };

  /// One attempt. It stays until the race is over, as its callbacks run inside it.
  struct Attempt final : TransportEvents {
    Attempt(RaceTransport& r, std::unique_ptr<Transport> t) : race(r), transport(std::move(t)) {}
    void onTransportReady(uint32_t events) override;
    RaceTransport& race;
    std::unique_ptr<Transport> transport;
    bool failed = false;
  };

  RaceTransport(event::Scheduler& scheduler, Connector& connector, const Destination& to,
                const SocketOptions& options);
  void enter(State to);
  bool beginNext();
  void goOn();
  void onConnected(Attempt& attempt);
  void note(const Error& error);
  bool anyOpen() const;

  Connector& connector_;
  const SocketOptions options_;
  const std::vector<SocketAddress> addresses_;
  const Duration delay_;
  State state_ = State::kRacing;
  TransportEvents* events_ = nullptr;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  Transport* winner_ = nullptr;  // of an attempt
  size_t next_ = 0;              // of addresses_
  std::unique_ptr<event::Timer> timer_;
  int error_ = 0;  // the most telling one so far
  Error first_;    // in words, of what could not begin
};

}  // namespace peerpulse::net
