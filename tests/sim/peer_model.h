// PeerModel: one remote host, kernel and process apart. It answers packets; WireModel carries them.
//
//   powered off          silence; afterwards no connection of before is known
//   powered, not serving its kernel answers SYNs by RST
//   serving, stopped     its kernel accepts until the accept queue is full, then drops SYNs; nothing is read
//   serving, running     reads, answers PINGs, polices them if it is that kind of server
#pragma once

#include <cstdint>

#include "peerpulse/base/time.h"
#include "tcp_connection.h"

namespace peerpulse::sim {

struct PeerOptions {
  bool speaksHttp2 = true;
  bool polices = false;          ///< third PING of a connection: GOAWAY ENHANCE_YOUR_CALM (gRPC)
  bool hostPortAnswers = true;   ///< RST from the confirm port; else a firewall drops it
  bool answersRequests = true;   ///< of HTTP/1, if it speaks no HTTP/2; else they are read and nothing is said
  bool answersHealth = true;     ///< what it answers to the health path, if there is one, is that it is well
  bool closesAfterEach = false;  ///< HTTP/1.0: its connection ends with the answer
  bool answersEchoes = false;    ///< its kernel, ICMP
  uint32_t echoesPerSecond = 0;  ///< at most so many, the first of each second; 0: all
  uint32_t backlog = 4096;
  Duration idleClose{};    ///< closes the probe connection at that age (nginx); zero: never
  Duration serviceTime{};  ///< of an exchange
};

class PeerModel {
 public:
  enum class SynAnswer : uint8_t { kSilence, kRefused, kAccepted };

  void reset(const PeerOptions& options);
  const PeerOptions& options() const { return options_; }

  bool powered() const { return powered_; }
  bool serving() const { return powered_ && serving_; }
  bool running() const { return serving() && running_; }
  bool acceptsNone() const { return acceptFull_ || (!running_ && queued_ >= options_.backlog); }

  void cutPower();
  void restorePower() { powered_ = true; }
  /// The process ends; its kernel stays.
  void kill();
  void serve() { serving_ = running_ = true; }
  void stop() { running_ = false; }
  /// SIGCONT: what it answers to all it has not read.
  Payload resume();
  void fillAcceptQueue(bool full) { acceptFull_ = full; }
  void filterEchoes(bool on) { echoesFiltered_ = on; }  ///< a firewall drops ICMP
  bool echoesFiltered() const { return echoesFiltered_; }
  void fail(bool on) { failing_ = on; }  ///< exchanges fail, PINGs are answered
  bool failing() const { return failing_; }

  SynAnswer syn(bool hostPort);
  bool echo(TimePoint now);
  void accepted(uint32_t connection);
  bool knows(uint32_t connection) const { return powered_ && connection_ == connection && connection != 0; }
  uint32_t connection() const { return connection_; }
  void forget() { connection_ = 0; }
  /// Read in order by its kernel; returns what its process writes in answer.
  Payload read(const Payload& payload);

 private:
  Payload answer(const Payload& payload);

  PeerOptions options_;
  bool powered_ = true, serving_ = true, running_ = true, acceptFull_ = false, failing_ = false,
       echoesFiltered_ = false;
  TimePoint echoSecond_;
  uint32_t echoes_ = 0;  // answered in that second
  uint32_t queued_ = 0;  // connections its process has not accepted
  uint32_t connection_ = 0;
  uint32_t pings_ = 0;
  bool closed_ = false;
  Payload unread_;
};

}  // namespace peerpulse::sim
