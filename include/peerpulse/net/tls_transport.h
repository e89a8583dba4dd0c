// TlsTransport: TLS 1.2 and 1.3 (OpenSSL) over another Transport. TlsConnector: a Connector whose transports are such.
//
//   handshaking --handshake() kOk--> carrying --shutdownWrite()--> write ended     any --failure--> failed, for good
//
// An end of the remote direction is one only with close_notify: without it what came may not be all (TlsFailure::kTruncated).
// Records that carry no data (tickets, key updates) are taken in without anybody above hearing of it; more than kMaxQuiet of
// them without a byte of data between them are an attack. One call of read() takes no more than kTurn bytes from below,
// whatever they decrypt to, so that nobody keeps the loop.
// kTLS (TlsClientOptions::ktls): after the handshake the kernel, if it can, encrypts what is sent, and data goes to it in one
// copy, past OpenSSL. OpenSSL then writes its own records (handshake, alerts) by write(2): the process ignores SIGPIPE. The
// kernel keeps the first keys: a remote side that asks for new ones is not answered, and TlsInfo::keysWornOut says so.
// What was decrypted and not yet asked for makes no descriptor readable: then a timer says what the kernel cannot.
//
// Threading: its loop's thread.
// Errors: IoResult::error is an errno value or a TlsFailure; failure() has the words.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "peerpulse/base/tls_failure.h"
#include "peerpulse/event/scheduler.h"
#include "peerpulse/net/tls_context.h"
#include "peerpulse/net/tls_sessions.h"
#include "peerpulse/net/transport.h"

struct ssl_st;

namespace peerpulse::net {

/// The protocol that a client asks for (ALPN).
enum class Alpn : uint8_t {
  kHttp1,  ///< and takes whatever the server then speaks
  kHttp2,  ///< the server must choose it, or the handshake fails by TlsFailure::kNoHttp2
};

/// Of a client: whom it wants to reach.
struct TlsTarget {
  std::string name;  ///< a host name or a literal address
  Alpn alpn = Alpn::kHttp1;
};

class TlsTransport final : public Transport, private TransportEvents {
 public:
  static constexpr int kMaxQuiet = 32;
  static constexpr size_t kTurn = 256 * 1024;

  static Result<std::unique_ptr<Transport>> client(event::Scheduler& scheduler, std::unique_ptr<Transport> below,
                                                   TlsContextRef context, const TlsTarget& target,
                                                   std::shared_ptr<TlsSessions> sessions);
  static Result<std::unique_ptr<Transport>> server(event::Scheduler& scheduler, std::unique_ptr<Transport> below,
                                                   TlsContextRef context);
  ~TlsTransport() override;
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  void attach(TransportEvents& events) override;
  void watch(uint32_t events) override;
  int connectResult() override { return below_->connectResult(); }
  IoResult handshake() override;
  IoResult read(const iovec* entries, int count) override;
  IoResult write(const iovec* entries, int count) override;
  Result<void> shutdownWrite() override;
  void close(bool reset) override;
  /// Data, an end or an error; records without data are taken in, and are none of these.
  bool readableNow() const override;
  std::optional<LastHeard> lastHeard() const override { return below_->lastHeard(); }
  std::optional<SendState> sendState() const override { return below_->sendState(); }
  int fd() const override { return below_->fd(); }
  Error failure(const char* what, int code) const override;
  const TlsInfo* tls() const override { return &info_; }

  // From OpenSSL.
  /// The server gave a session.
  void keep(TlsSessions::Session session);
  /// The server has asked for a certificate, and we have none to show.
  void hadNothingToShow() { hadNothingToShow_ = true; }

 private:
  friend struct TlsBio;

  TlsTransport(event::Scheduler& scheduler, std::unique_ptr<Transport> below, TlsContextRef context);
  Result<void> begin();
  Result<void> aimAt(const TlsTarget& target, std::shared_ptr<TlsSessions> sessions);
  void onTransportReady(uint32_t events) override;
  void updateWatch();
  void resumeLater() const;
  void established();
  void offerKernel();
  void settleKernel();
  void answerPlainText();
  void finishShutdown();
  void prepare() const;
  IoResult trouble(int result, uint32_t& wants) const;
  void fail(int sslError) const;
  Error describe(int sslError) const;
  Error noHttp2(const std::string& how) const;
  void onQuietRecord();
  bool spokeTls() const;

  event::Scheduler& scheduler_;
  std::unique_ptr<Transport> below_;
  const TlsContextRef context_;
  ssl_st* ssl_ = nullptr;
  TransportEvents* events_ = nullptr;
  std::unique_ptr<event::Timer> resume_;
  std::shared_ptr<TlsSessions> sessions_;  // of clients
  std::string name_;                       // whom a client wants to reach
  Alpn alpn_ = Alpn::kHttp1;
  TlsInfo info_;
  uint32_t watched_ = 0;               // by who is above
  uint32_t readWants_ = ready::kRead;  // what goes on by which event below: a read may have to write first
  uint32_t writeWants_ = ready::kWrite;
  bool serves_ = false;
  bool carrying_ = false;
  bool offered_ = false;  // the kernel is to encrypt what is sent: OpenSSL writes to the socket itself
  bool hadNothingToShow_ = false;
  bool closed_ = false;
  bool closeNotifyWaits_ = false;  // shutdownWrite() was called and the kernel is full

  // readableNow() takes in records, too.
  mutable std::optional<Error> failure_;
  mutable bool more_ = false;  // a read would give something that makes nothing below readable
  mutable size_t budget_ = 0;  // bytes that may still be taken from below in this call
  mutable int belowError_ = 0;
  mutable bool belowEnded_ = false;
  mutable int quiet_ = 0;  // records without data, in a row
  std::string first_;      // of the bytes that came
};

class TlsConnector final : public Connector {
 public:
  /// `below` connects; `target.name` empty: the host of the address. References outlive the connector.
  TlsConnector(event::Scheduler& scheduler, Connector& below, TlsSlotRef context, TlsTarget target)
      : scheduler_(scheduler), below_(below), context_(std::move(context)), target_(std::move(target)) {}
  Result<std::unique_ptr<Transport>> connect(const SocketAddress& address, const SocketOptions& options) override;

 private:
  event::Scheduler& scheduler_;
  Connector& below_;
  const TlsSlotRef context_;
  const TlsTarget target_;
  const std::shared_ptr<TlsSessions> sessions_ = std::make_shared<TlsSessions>();
};

}  // namespace peerpulse::net
