// Codecs: HTTP/1.1 (RFC 9112) and HTTP/2 (RFC 9113), bytes in and bytes out. A codec owns no socket, reads no
// clock and never blocks. Its owner (a connection) feeds it what arrived and takes what is to be sent:
//
//   socket -> codec.receive(slice) -> callbacks to streams' receivers
//   receivers -> stream.sendX(...)  -> CodecOwner::onOutputReady() -> codec.produce(buffer) -> socket
//
// Bodies are Slices end to end: a received slice shares the memory it was read into, and produce() puts the
// very slices given to sendData() on the wire.
//
// Back-pressure is credit: whoever received `n` body bytes gives them back with stream.consumed(n) once they
// went out on the other side (Receiver::onBodySent). Until then the codec lets the remote side send at most
// its window (h2: WINDOW_UPDATE; h1: wantsRead() turns false and the owner stops reading). So memory per
// exchange and direction stays below the window whatever the body's size.
//
// Stream lifetime: streams are owned by their codec. A stream is gone after exactly one of
//   receiver.onClosed()       both directions ended in order
//   receiver.onReset(...)     it ended otherwise, by the remote side, the connection or the protocol
//   stream.reset(reason)      our own side ended it; no further callback follows
//
// Half-close: a tunnel (h1 after 101) has two directions that end apart. The remote side's FIN is onEnd(), and
// sendEnd() goes on working; after our own sendEnd() outputEnded() tells the connection to send a FIN while it
// reads on. onClosed() follows when both have ended.
//
// The end of a connection: finished() says that it is over in order. Whoever wants to end it earlier calls
// goAway(), writes what produce() then gives, and closes; connectionLost() is for a connection that is gone.
// The pointer must not be used after that: the next stream may be the same object. A receiver must outlive its
// stream.
//
// Re-entry: every stream method may be called from inside any receiver callback. Codecs must not be destroyed
// from inside one (defer it).
//
// Threading: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "peerpulse/base/buffer.h"
#include "peerpulse/base/result.h"
#include "peerpulse/base/slice.h"
#include "peerpulse/http/message.h"

namespace peerpulse::http {

/// Why a stream ended early. h2: maps to and from RST_STREAM codes (RFC 9113 7). kSaid...: the other side's RST_STREAM named a
/// fault, ours as it sees it. That is another thing than a fault that we found (kProtocol, kFlowControl), and is passed on.
enum class ResetReason : uint8_t {
  kNoError,          ///< h2 NO_ERROR: stop sending, the answer is complete (RFC 9113 8.1)
  kCancel,           ///< no longer wanted
  kRefused,          ///< provably not processed: REFUSED_STREAM, or above GOAWAY's last id (RFC 9113 8.7)
  kProtocol,         ///< the remote side broke the protocol
  kInternal,         ///< h2 INTERNAL_ERROR
  kFlowControl,      ///< h2 FLOW_CONTROL_ERROR
  kEnhanceYourCalm,  ///< h2 ENHANCE_YOUR_CALM
  kSaidProtocol,     ///< h2 PROTOCOL_ERROR, as the remote side sent it; so are the next ones
  kSaidFlowControl,
  kSaidSettingsTimeout,
  kSaidStreamClosed,
  kSaidFrameSize,
  kSaidCompression,
  kSaidConnect,
  kSaidInadequateSecurity,
  kSaidHttp11Required,
  kNotTaken,          ///< nothing was sent: the remote side takes no extended CONNECT (RFC 8441 3)
  kConnectionClosed,  ///< the connection ended (EOF, reset, or our own close) before the message did
};

const char* toString(ResetReason reason);
/// An h2 stream ended so because the remote side's RST_STREAM said it, but for kRefused, which a GOAWAY says as well.
bool saidByRemote(ResetReason reason);

/// What a stream tells its user. Both sides use it: of a server stream it is the request that arrives, of a
/// client stream the response.
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual void onData(Slice data) = 0;
  virtual void onTrailers(HeaderList&& trailers) = 0;
  /// The first of two bodies is complete (RequestHead::secondBody). Once a 100 (Continue) has been sent, onData() goes on with
  /// the other one; a final answer instead ends the request here. Who knows nothing of it sends no 100, and has it all.
  virtual void onBodyEnd() { onEnd(); }
  /// The incoming message is complete (after its last data or trailers).
  virtual void onEnd() = 0;
  /// `n` body bytes given to sendData() were handed to the wire.
  virtual void onBodySent(size_t n) = 0;
  virtual void onClosed() = 0;
  /// `detail` says more for logs and Proxy-Status details; it lives only during the call.
  virtual void onReset(ResetReason reason, std::string_view detail) = 0;
};

class ResponseReceiver : public Receiver {
 public:
  /// A 1xx other than 101. At most 16 per response; beyond that the codec resets the stream (kProtocol).
  virtual void onInformational(ResponseHead&& head) = 0;
  /// The final response head; also 101, after which both directions are a tunnel: raw bytes as data.
  virtual void onHeaders(ResponseHead&& head) = 0;
};

/// The sending half of a stream.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Requires that headers were sent and the message was not ended.
  virtual void sendData(Slice data) = 0;
  /// Ends the outgoing message, with trailers if there are any (h1: only possible on a chunked message;
  /// otherwise they are dropped).
  virtual void sendEnd(const HeaderList& trailers) = 0;
  void sendEnd() { sendEnd(HeaderList()); }
  /// Gives back credit for `n` received body bytes.
  virtual void consumed(size_t n) = 0;
  /// Ends the stream now. h1: the connection cannot be used again and will want to close; a body that was
  /// only partly sent is never ended cleanly. Of a client's tunnel whose ways have both ended kNoError lets what was given
  /// still go out, and then its end.
  virtual void reset(ResetReason reason) = 0;
};

/// Server side: answers one request.
class ResponseStream : public Stream {
 public:
  /// 1xx except 101.
  virtual void sendInformational(const ResponseHead& head) = 0;
  /// With `end` there is no body. On h1 a body without content-length is chunked (or, to a 1.0 client, ended
  /// by closing). Bodies of HEAD, 204 and 304 answers are dropped.
  virtual void sendHeaders(const ResponseHead& head, bool end) = 0;
  /// Body bytes that the remote side takes now beyond those that wait for it already, by its own word (h2: the stream's
  /// window). More than any where it says nothing of the kind (h1).
  virtual size_t room() const { return SIZE_MAX; }
};

/// Client side: sends one request.
class RequestStream : public Stream {
 public:
  /// Behind a head that asks for a tunnel (RequestHead::upgrade, no body) nothing may be sent before the 101, nor without one.
  virtual void sendHeaders(const RequestHead& head, bool end) = 0;
  /// Ends the first of two bodies, without trailers; sendData() and sendEnd() go on with the other one when the peer has asked
  /// for it. Requires RequestHead::secondBody, and h1: h2 has one body.
  virtual void sendBodyEnd() = 0;
  /// So many bytes of the answer's body may be on this side of the peer and not consumed(); at first it is
  /// CodecLimits::firstWindow. It only grows, to CodecLimits::streamWindow at most: less than before changes nothing.
  virtual void allow(size_t /*bytes*/) {}
};

/// What every codec tells the connection that drives it.
class CodecOwner {
 public:
  virtual ~CodecOwner() = default;
  /// produce() has something to give. May be called often; must not call back into the codec.
  virtual void onOutputReady() = 0;
};

class Codec {
 public:
  virtual ~Codec() = default;
  /// Takes all of `in`. An error means: send what produce() still gives, then close the connection; the
  /// message says what the remote side did. All streams were told onReset() by then.
  virtual Result<void> receive(Slice in) = 0;
  /// The remote side sent FIN. Streams that this cuts off are told onReset(kConnectionClosed); of a tunnel only
  /// the incoming direction ends.
  virtual void receiveEof() = 0;
  /// The connection is gone: every stream is told onReset(kConnectionClosed, detail).
  virtual void connectionLost(std::string_view detail) = 0;
  /// Appends wire bytes to `out` until it holds about `limit` bytes or there is no more for now.
  virtual void produce(Buffer& out, size_t limit) = 0;
  /// False while reading on would exceed the buffering bound (h1 only; h2 limits by windows).
  virtual bool wantsRead() const { return true; }
  /// Body bytes of one direction that may wait inside the process. One read takes about so much at most, and so does
  /// what waits to be written. h2 limits by windows, and a connection's many streams share the reads and writes.
  virtual size_t bufferLimit() const { return SIZE_MAX; }
  /// One read takes no more than about so much.
  virtual size_t readLimit() const { return bufferLimit(); }
  /// True once nothing is left to do: the owner closes after writing what produce() gave.
  virtual bool finished() const = 0;
  /// True once nothing more will be sent although the other direction is still read (h1: a tunnel whose sending
  /// side ended, the rest of a request answered early): after writing what produce() gave, send a FIN.
  virtual bool outputEnded() const { return false; }
  /// Starts no new streams, finishes the old ones (h2: GOAWAY; h1: Connection: close), then finished(). An h2
  /// server first gives notice and says which stream is the last when that has arrived (the ACK of a PING, one
  /// round trip), so that no request on its way is lost; a second drain() no longer waits.
  virtual void drain() = 0;
  /// Says goodbye now: every stream is told onReset(kConnectionClosed), produce() gives the last words (h2:
  /// GOAWAY with the last stream served; h1 has none, its streams stay until connectionLost(), and no request that
  /// came already is begun), after which an h2 codec is finished(). Harmless at any time, also twice, after an error or once finished.
  virtual void goAway() {}
  virtual size_t activeStreams() const = 0;
  /// Servers: a request's head (h2: field section) has begun and is not complete. The time a client may take for that is
  /// its owner's to limit.
  virtual bool readingHead() const { return false; }
  /// h2 servers: while held, PINGs of the client stay unanswered; released, they are answered in order.
  virtual void holdPings(bool /*hold*/) {}
  /// h2: time has passed, which pays for frames that nothing else stands against (PINGs of an idle connection, resets).
  /// Whole seconds; a codec has no clock.
  virtual void secondsPassed(uint32_t /*seconds*/) {}
  /// h2 servers: of what receive() has taken since the last call, the frames that look like the beginning of a flood. Who reads for
  /// us may take its time before it goes on.
  virtual size_t takeExcessFrames() { return 0; }
  /// h2: the kind of frame ("ping", "reset") of which the remote side sent a flood, after an error; else null.
  virtual const char* flood() const { return nullptr; }
};

class ServerCodecOwner : public CodecOwner {
 public:
  /// A request arrived; the body follows through the returned receiver (never null). onEnd() is called also
  /// when there is no body.
  virtual Receiver* onRequest(ResponseStream& stream, RequestHead&& head) = 0;
  /// The bytes are not a request we take. The owner answers with a final response of `status` through
  /// `stream`, or resets it. h1 closes the connection after the answer. Returns the receiver as onRequest().
  virtual Receiver* onBadRequest(ResponseStream& stream, int status, std::string_view detail) = 0;
};

class ClientCodecOwner : public CodecOwner {
 public:
  /// canOpenStream() may have changed (a stream ended, SETTINGS arrived, GOAWAY).
  virtual void onCapacityChanged() = 0;
  /// h2 only.
  virtual void onGoAway(uint32_t errorCode, std::string_view debugData) = 0;
  /// h2 only: the ACK of submitPing(payload).
  virtual void onPingAck(uint64_t payload) = 0;
};

class ClientCodec : public Codec {
 public:
  /// True if openStream() would start a stream now: not draining, and below the remote limit (h1: idle).
  virtual bool canOpenStream() const = 0;
  /// Requires canOpenStream().
  virtual RequestStream& openStream(ResponseReceiver& receiver) = 0;
  /// h2: so many streams were given up that more cancellations wait than this connection should be told of: retire it.
  /// canOpenStream() is false meanwhile.
  virtual bool wornOut() const { return false; }
  /// The remote side is dead: what streams do from now on leads nowhere and need not be put into frames. Streams
  /// stay until connectionLost(). receive() must not be called any more.
  virtual void abandon() {}
  /// h2: sends a PING (RFC 9113 6.7). h1: false, nothing sent.
  virtual bool submitPing(uint64_t payload) = 0;
};

/// Limits of what a codec accepts (faults.md section 7). Sizes in bytes.
struct CodecLimits {
  size_t maxHeaderCount = 200;
  size_t maxHeaderFieldSize = size_t{16} * 1024;
  size_t maxHeaderListSize = size_t{64} * 1024;
  size_t maxRequestLineSize = size_t{8} * 1024;
  size_t maxChunkExtension = 256;
  uint32_t maxConcurrentStreams = 1024;
  /// Body bytes of one stream and direction that may wait inside the process.
  size_t streamWindow = size_t{512} * 1024;
  /// Clients: the same of an answer until RequestStream::allow(). No more than streamWindow.
  size_t firstWindow = SIZE_MAX;
  /// Resets of streams per second and burst before ENHANCE_YOUR_CALM (h2 server; the trusted local client).
  uint32_t resetBurst = 10'000;
  uint32_t resetsPerSecond = 1'000;
  /// h2 client: streams that the peer had not answered when we reset them, and that it may still have before it. Servers
  /// end connections with more than some of those (hyper: 20); further resets wait.
  uint32_t unheardResets = 8;
  /// More resets than this wait: wornOut().
  uint32_t waitingResets = 16;
};

std::unique_ptr<Codec> createH1ServerCodec(ServerCodecOwner& owner, const CodecLimits& limits);
std::unique_ptr<Codec> createH2ServerCodec(ServerCodecOwner& owner, const CodecLimits& limits);
std::unique_ptr<ClientCodec> createH1ClientCodec(ClientCodecOwner& owner, const CodecLimits& limits);
/// `secure`: its connection speaks TLS, and that is what every request's :scheme says (RFC 9113 8.3.1).
std::unique_ptr<ClientCodec> createH2ClientCodec(ClientCodecOwner& owner, const CodecLimits& limits,
                                                 bool secure = false);

/// Tells h1 from h2 by the first bytes of a connection (RFC 9113 3.4).
enum class Preface : uint8_t { kNeedMore, kHttp1, kHttp2 };
Preface detectPreface(std::string_view firstBytes);
/// For what a client's first bytes say. Requires that they have said it.
std::unique_ptr<Codec> createServerCodec(Preface preface, ServerCodecOwner& owner, const CodecLimits& limits);

}  // namespace peerpulse::http
