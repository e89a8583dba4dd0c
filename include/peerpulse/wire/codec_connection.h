// CodecConnection: a codec on a connection: the one driver of bytes between them, and the one way in which the two end.
// Everything in peerpulse that speaks HTTP over a socket has one, on whichever side.
//
//   Connecting --ready--> Open                    (client; the codec is given)
//   Connecting --TLS handshake done--> Choosing   (server, over TLS)
//   Choosing --the first bytes tell--> Open       (server; h1 or h2 by the preface)
//   Connecting, Choosing, Open --> Ended          the one end, told once by onEnded()
//
// Reading: bytes go to the codec as they come, as long as it wants them. Writing: what the codec has to say is taken and
// written once per loop turn, as much as the kernel takes (back-pressure is the codec's: it keeps the rest). Half-close:
// a codec that has said all it will say ends our direction while the other goes on.
// Last words: what the codec says about the end itself (GOAWAY, an error's answer) is always sent, and not taken back by
// a reset because the remote side is still sending: the connection lives on among the Farewells until it is.
//
// Threading: the loop's thread.
// Ownership: owns both; owned by its owner, which must let go of it by deferred deletion, because callbacks run inside.
// Invariants: onEnded() comes exactly once, also for close() and abort() (before they return), and nothing after it.
//   Streams that are still there are told after it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "peerpulse/base/time.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/net/connection.h"
#include "peerpulse/wire/io_context.h"

namespace peerpulse::wire {

/// How a connection ended.
struct End {
  enum class Kind : uint8_t {
    kFinished,       ///< the codec has nothing left to do
    kRemoteEnded,    ///< the remote side closed in order
    kConnectFailed,  ///< before it was ready
    kBroken,         ///< a reset or another error of the connection
    kProtocol,       ///< the remote side broke the protocol
    kLocal,          ///< our own decision: close(), abort()
  };
  Kind kind{};
  std::string_view detail;  ///< lives during the call only
  int error = 0;            ///< the errno value or TlsFailure, if there is one
};

class CodecConnectionOwner {
 public:
  virtual ~CodecConnectionOwner() = default;
  /// Servers: the codec for what the client's first bytes say.
  virtual std::unique_ptr<http::Codec> createCodec(http::Preface preface);
  /// The remote kernel answered our SYN.
  virtual void onTcpConnected() {}
  /// Clients: what the codec is told from now on is sent. Servers, over TLS: the handshake is done.
  virtual void onReady() {}
  /// Bytes arrived, before the codec has read them.
  virtual void onHeard() {}
  /// Servers: the client sends so many frames without use that nothing is read of it for a while.
  virtual void onSlowedDown() {}
  /// What was read in this turn is handled and what there was to send is sent: room, idleness and the like are final.
  virtual void onSettled() {}
  virtual void onEnded(const End& end) = 0;
};

class CodecConnection final : net::ConnectionCallbacks, net::Flushable {
 public:
  enum class State : uint8_t { kConnecting, kChoosing, kOpen, kEnded };

  /// A client's connection, just accepted; over TLS its handshake comes first.
  CodecConnection(IoContext& io, std::unique_ptr<net::Transport> transport, CodecConnectionOwner& owner);
  /// To a server, by `connector`. The outcome comes after this has returned.
  CodecConnection(IoContext& io, net::Connector& connector, const net::Destination& to,
                  const net::SocketOptions& options, std::unique_ptr<http::Codec> codec, CodecConnectionOwner& owner);
  /// By that of `io`.
  CodecConnection(IoContext& io, const net::Destination& to, const net::SocketOptions& options,
                  std::unique_ptr<http::Codec> codec, CodecConnectionOwner& owner)
      : CodecConnection(io, io.connector, to, options, std::move(codec), owner) {}
  ~CodecConnection() override;
  CodecConnection(const CodecConnection&) = delete;
  CodecConnection& operator=(const CodecConnection&) = delete;

  State state() const { return state_; }
  bool ended() const { return state_ == State::kEnded; }
  /// Null while the client's first bytes are awaited.
  http::Codec* codec() { return codec_.get(); }

  /// The remote side has ended its direction; the codec knows.
  bool remoteEnded() const { return remoteEnded_; }

  /// From the codec's owner: there is something to send at the end of the turn.
  void outputReady();
  /// Sends now what there is; while the codec is on the stack, when it has returned.
  void flushNow() override;
  /// Does `action`, which makes the codec speak, and sends what it said at once: for what cannot wait for the turn's end.
  template <typename Action>
  void sendNow(Action action) {
    const bool outer = std::exchange(codecBusy_, true);
    action();
    codecBusy_ = outer;
    flushNow();
  }

  /// Ends in order: the codec says goodbye (h2: GOAWAY), what it has said is sent.
  void close(std::string_view why);
  /// Ends in order with an answer that is not the codec's, to a client that may still be sending.
  void closeWith(std::string_view lastWords, std::string_view why);
  /// Ends by RST: what was sent so far must not pass for complete.
  void abort(std::string_view why);
  /// As soon as the codec is finished the connection ends by RST: a request was given up half-way, and a FIN would tell
  /// the peer that its sender still waits.
  void resetWhenFinished() { resetWhenFinished_ = true; }
  /// What comes is read and thrown away, nothing is sent any more; only abort() is left to do.
  void mute();

  std::optional<net::LastHeard> lastHeard() const;
  std::optional<net::SendState> sendState() const;
  /// Tells the codec how many seconds have passed since the last time; the first time, that it will be told.
  void tellTime(TimePoint now);
  /// Bytes, an end or an error wait in the kernel.
  bool readableNow() const { return connection_ != nullptr && connection_->readableNow(); }
  /// Null where no TLS is spoken, and after the end.
  const net::TlsInfo* tls() const { return connection_ != nullptr ? connection_->tls() : nullptr; }
  /// -1 after the end.
  int fd() const { return connection_ != nullptr ? connection_->fd() : -1; }
  uint64_t bytesMoved() const;
  /// Of what was sent, so much the remote kernel has taken, as far as that matters: not known better than by about 16 KiB, and
  /// no more is counted than kTrusted. What only our own kernel has is no sign that anybody reads.
  uint64_t taken();
  static constexpr uint64_t kTrusted = uint64_t{4} * 1024 * 1024;

 private:
  void onTcpConnected() override { owner_.onTcpConnected(); }
  void onReady() override;
  void onRead(Slice data) override;
  void onReadDone() override { flushNow(); }
  void onEof() override;
  void onWritable() override { flushNow(); }
  void onClosed(const Error& error) override;

  void enter(State to);
  bool choose(Slice& data);
  void receive(Slice data);
  void hearEnd();
  void pump();
  void regulateReading();
  /// Reads nothing for a while.
  void slowDown(size_t excessFrames);
  size_t outputLimit();
  /// How the socket is left.
  enum class Leave : uint8_t {
    kInOrder,  ///< FIN
    kStaged,   ///< the remote side may still be sending and must not lose our last words to a reset
    kGoodbye,  ///< the same, and the codec says so first
    kReset,    ///< RST
  };
  void finish();
  void end(const End& end, Leave leave);
  bool sendLastWords();
  void releaseConnection(Leave leave);

  IoContext& io_;
  CodecConnectionOwner& owner_;
  State state_;
  std::unique_ptr<http::Codec> codec_;
  std::unique_ptr<net::Connection> connection_;
  uint64_t taken_ = 0;  // as last asked
  std::optional<TimePoint> timeTold_;
  std::unique_ptr<event::Timer> slowed_;  // enabled: nothing is read until then
  std::string first_;                     // of a client, until the preface is known
  bool outputReady_ = true;               // the codec may have something to say: at first, its preface
  bool codecBusy_ = false;                // it is on the stack: what it has to say is taken when it has returned
  const bool serves_;
  bool remoteEnded_ = false;
  bool resetWhenFinished_ = false;
  bool muted_ = false;
  bool suspect_ = false;  // what was read last looks like a flood
};

}  // namespace peerpulse::wire
