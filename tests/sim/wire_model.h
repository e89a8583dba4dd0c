// WireModel: the two hosts and the path between them: SYNs and their answers, the probe connection, RSTs. Up
// to the prober's sockets: what has arrived there is handed to the ArrivalSink, which may be asleep.
#pragma once

#include <array>
#include <cstdint>

#include "event_heap.h"
#include "link_model.h"
#include "peer_model.h"
#include "peerpulse/base/time.h"
#include "tcp_connection.h"

namespace peerpulse::sim {

/// What a socket of the prober has to tell.
struct Arrival {
  enum class Kind : uint8_t { kConnected, kConnectFailed, kFresh, kData, kReset, kOutcome, kEcho };
  Kind kind{};
  uint16_t slot = 0;     ///< of a fresh connect
  uint32_t id = 0;       ///< connection, attempt or echo
  int error = 0;         ///< errno
  Payload payload;       ///< kData
  uint32_t outcome = 0;  ///< kOutcome, with the generation in id
};

class ArrivalSink {
 public:
  virtual ~ArrivalSink() = default;
  virtual void arrived(uint8_t peer, const Arrival& arrival) = 0;
};

class WireModel {
 public:
  static constexpr uint16_t kFreshSlots = 32;
  static constexpr uint16_t kProbeSlot = kFreshSlots;

  void reset(EventHeap& heap, ArrivalSink& sink, uint8_t peer, const PeerOptions& peerOptions, const LinkOptions& out,
             const LinkOptions& back, const TcpOptions& tcp, Random random);

  LinkModel& out() { return out_; }
  LinkModel& back() { return back_; }
  PeerModel& peer() { return peer_; }
  const TcpConnection& tcp() const { return tcp_; }
  /// When anything from the peer last reached this host.
  TimePoint lastArrival() const { return lastArrival_; }
  /// On a worker's connection.
  void dataArrived() { lastArrival_ = heap_->now(); }
  /// The longest round trip of packets that are not lost.
  Duration maxRtt() const { return out_.maxDelay() + back_.maxDelay(); }

  // The prober's sockets.
  void openProbe(uint32_t epoch, bool http2);
  void closeProbe();
  void sendPing(uint32_t sequence);
  void sendRequest();
  void sendEcho(uint32_t sequence);
  /// A keepalive probe, at the kernel's next tick, if nothing came for a second.
  void drawAck();
  void connect(uint16_t slot, uint32_t attempt, bool hostPort);
  void drop(uint16_t slot) { attempts_[slot].id = 0; }

  // Faults.
  void cutPower();
  void kill();
  void resume();
  void closeConnection();
  /// A middlebox forgets the probe connection: its packets vanish.
  void forgetConnection() { forgotten_ = tcp_.id(); }

  /// The probe connection as this host sees it: established; and whether a middlebox has forgotten it.
  bool probeConnected() const { return tcp_.id() != 0; }
  bool probeForgotten() const { return tcp_.id() != 0 && forgotten_ == tcp_.id(); }

  void on(const SimEvent& event);

 private:
  struct Attempt {
    uint32_t id = 0;  // 0: none
    TimePoint began;
    bool hostPort = false;
  };
  void sendSyn(uint16_t slot, uint32_t sent);
  void synAtPeer(const SimEvent& event);
  void synReply(const SimEvent& event);
  void packet(const SimEvent& event);
  void atPeer(const SimEvent& event);
  void atProber(const SimEvent& event);
  void sendReset(uint32_t connection);
  void writeFromPeer(const Payload& payload);

  EventHeap* heap_ = nullptr;
  ArrivalSink* sink_ = nullptr;
  uint8_t index_ = 0;
  LinkModel out_, back_;
  PeerModel peer_;
  TcpConnection tcp_;
  std::array<Attempt, kFreshSlots + 1> attempts_{};
  bool http2_ = false;
  uint32_t forgotten_ = 0;
  TimePoint lastArrival_;
  TimePoint lastKeepalive_;  // that the peer's kernel answered
  Duration tick_{};
  Random random_;
};

}  // namespace peerpulse::sim
