#include "peerpulse/net/tls_transport.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "peerpulse/base/assert.h"
#include "tls_errors.h"

namespace peerpulse::net {

namespace {

constexpr size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;

// RFC 8446 5.1: change_cipher_spec, alert, handshake, application_data.
bool isRecordType(char first) { return first >= 20 && first <= 23; }

bool isAddress(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> address;
  return ::inet_pton(AF_INET, name.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), address.data()) == 1;
}

/// "10.0.0.2" of "10.0.0.2:9000", "fd00::2" of "[fd00::2]:9000"; nothing to verify of a unix address.
std::string hostOf(const SocketAddress& address) {
  if (address.isUnix()) return "localhost";
  std::string text = address.toString();
  text.resize(text.rfind(':'));
  return text.starts_with('[') ? text.substr(1, text.size() - 2) : text;
}

// Alerts by which the remote side refuses our certificate, or that we have shown none (RFC 8446 6.2).
bool refusesIdentity(int alert) {
  switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED: return true;
    default: return false;
  }
}

// KeyUpdate with update_requested (RFC 8446 4.6.3): type, three bytes of length, what is asked for.
bool asksForKeys(const void* message, size_t size) {
  constexpr size_t kSize = 5;
  const auto* bytes = static_cast<const unsigned char*>(message);
  return size == kSize && bytes[0] == SSL3_MT_KEY_UPDATE && bytes[4] == SSL_KEY_UPDATE_REQUESTED;
}

// OpenSSL 3.0 does not know all that it sends.
std::string wordOf(int alert) {
  if (alert == SSL_AD_CERTIFICATE_REQUIRED) return "certificate required";
  return SSL_alert_desc_string_long(alert);
}

constexpr std::string_view kPlainTextAnswer =
    "HTTP/1.1 400 Bad Request\r\n"
    "proxy-status: peerpulse; error=tls_protocol_error; details=\"plain HTTP was sent to a TLS port\"\r\n"
    "content-type: text/plain\r\nconnection: close\r\ncontent-length: 45\r\n\r\n"
    "This port speaks TLS: use https://, not http\n";
static_assert(kPlainTextAnswer.ends_with("http\n"));

}  // namespace

// The transport below as OpenSSL's source and sink of bytes.
struct TlsBio {
  static TlsTransport& of(BIO* bio) { return *static_cast<TlsTransport*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* data, size_t size, size_t* got) {
    TlsTransport& transport = of(bio);
    BIO_clear_retry_flags(bio);
    if (transport.budget_ == 0) {
      BIO_set_retry_read(bio);
      return 0;
    }
    const iovec entry{data, std::min(size, transport.budget_)};
    const IoResult result = transport.below_->read(&entry, 1);
    switch (result.status) {
      case IoResult::Status::kOk: break;
      case IoResult::Status::kAgain: BIO_set_retry_read(bio); return 0;
      case IoResult::Status::kEnd: transport.belowEnded_ = true; return 0;
      case IoResult::Status::kError: transport.belowError_ = result.error; return 0;
    }
    transport.budget_ -= result.bytes;
    if (transport.first_.size() < kFirst) transport.first_.append(data, std::min(result.bytes, kFirst));
    *got = result.bytes;
    return 1;
  }

  static int write(BIO* bio, const char* data, size_t size, size_t* put) {
    TlsTransport& transport = of(bio);
    BIO_clear_retry_flags(bio);
    const iovec entry{const_cast<char*>(data), size};  // NOLINT: write() only reads it
    const IoResult result = transport.below_->write(&entry, 1);
    if (result.status == IoResult::Status::kAgain) BIO_set_retry_write(bio);
    if (result.status == IoResult::Status::kError) transport.belowError_ = result.error;
    if (result.status != IoResult::Status::kOk) return 0;
    *put = result.bytes;
    return 1;
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    return command == BIO_CTRL_EOF && of(bio).belowEnded_ ? 1 : 0;
  }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "transport");
      if (method == nullptr) return method;
      BIO_meth_set_read_ex(method, read);
      BIO_meth_set_write_ex(method, write);
      BIO_meth_set_ctrl(method, control);
      return method;
    }();
    return made;
  }

  /// Every record that comes, of whatever kind.
  static void onMessage(int outgoing, int, int type, const void* data, size_t size, SSL*, void* transport) {
    auto& self = *static_cast<TlsTransport*>(transport);
    if (outgoing != 0 || type == SSL3_RT_HEADER || type == SSL3_RT_INNER_CONTENT_TYPE) return;
    if (type == SSL3_RT_HANDSHAKE || type == SSL3_RT_ALERT || type == SSL3_RT_CHANGE_CIPHER_SPEC) {
      if (self.info_.ktls && type == SSL3_RT_HANDSHAKE && asksForKeys(data, size)) self.info_.keysWornOut = true;
      self.onQuietRecord();
    }
  }

  static constexpr size_t kFirst = 8;
};

int onNewTlsSession(ssl_st* ssl, ssl_session_st* session) {
  auto* transport = static_cast<TlsTransport*>(SSL_get_app_data(ssl));
  TlsSessions::Session owned(session);
  if (transport != nullptr) transport->keep(std::move(owned));
  return 1;
}

int onCertificateAsked(ssl_st* ssl, x509_st**, evp_pkey_st**) {
  if (auto* transport = static_cast<TlsTransport*>(SSL_get_app_data(ssl)); transport != nullptr) {
    transport->hadNothingToShow();
  }
  return 0;
}

TlsTransport::TlsTransport(event::Scheduler& scheduler, std::unique_ptr<Transport> below, TlsContextRef context)
    : scheduler_(scheduler), below_(std::move(below)), context_(std::move(context)) {}

TlsTransport::~TlsTransport() { SSL_free(ssl_); }

Result<void> TlsTransport::begin() {
  ERR_clear_error();
  BIO* bio = TlsBio::method() != nullptr ? BIO_new(TlsBio::method()) : nullptr;
  ssl_ = SSL_new(context_->get());
  if (bio == nullptr || ssl_ == nullptr) {
    BIO_free(bio);
    return Error{"TLS cannot begin: " + takeTlsErrors(), ENOMEM};
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);  // which owns it now
  SSL_set_app_data(ssl_, this);
  SSL_set_msg_callback(ssl_, TlsBio::onMessage);
  SSL_set_msg_callback_arg(ssl_, this);
  return {};
}

Result<void> TlsTransport::aimAt(const TlsTarget& target, std::shared_ptr<TlsSessions> sessions) {
  name_ = target.name;
  alpn_ = target.alpn;
  sessions_ = std::move(sessions);
  const bool literal = isAddress(name_);
  bool set = literal || SSL_set_tlsext_host_name(ssl_, name_.c_str()) == 1;  // RFC 6066 3: names only
  if (context_->verifiesName()) {
    X509_VERIFY_PARAM* rules = SSL_get0_param(ssl_);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    set = set && (literal ? X509_VERIFY_PARAM_set1_ip_asc(rules, name_.c_str()) == 1
                          : X509_VERIFY_PARAM_set1_host(rules, name_.c_str(), 0) == 1);
  }
  constexpr std::string_view kHttp1 = "\x08http/1.1";
  constexpr std::string_view kHttp2 = "\x02h2";
  const std::string_view offer = alpn_ == Alpn::kHttp2 ? kHttp2 : kHttp1;
  set = set && SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(offer.data()),
                                   static_cast<unsigned int>(offer.size())) == 0;
  if (!set) return Error{"TLS to \"" + name_ + "\" cannot begin: " + takeTlsErrors(), ENOMEM};
  if (const auto session = sessions_->take(context_)) SSL_set_session(ssl_, session.get());
  SSL_set_connect_state(ssl_);
  return {};
}

Result<std::unique_ptr<Transport>> TlsTransport::client(event::Scheduler& scheduler, std::unique_ptr<Transport> below,
                                                        TlsContextRef context, const TlsTarget& target,
                                                        std::shared_ptr<TlsSessions> sessions) {
  std::unique_ptr<TlsTransport> transport(new TlsTransport(scheduler, std::move(below), std::move(context)));
  if (auto begun = transport->begin(); !begun) return begun.error();
  if (auto aimed = transport->aimAt(target, std::move(sessions)); !aimed) return aimed.error();
  return std::unique_ptr<Transport>(std::move(transport));
}

Result<std::unique_ptr<Transport>> TlsTransport::server(event::Scheduler& scheduler, std::unique_ptr<Transport> below,
                                                        TlsContextRef context) {
  std::unique_ptr<TlsTransport> transport(new TlsTransport(scheduler, std::move(below), std::move(context)));
  if (auto begun = transport->begin(); !begun) return begun.error();
  transport->serves_ = true;
  SSL_set_accept_state(transport->ssl_);
  return std::unique_ptr<Transport>(std::move(transport));
}

void TlsTransport::keep(TlsSessions::Session session) {
  if (sessions_ != nullptr) sessions_->add(context_, std::move(session));
}

// --- events ----------------------------------------------------------------------------------------------------

void TlsTransport::attach(TransportEvents& events) {
  events_ = &events;
  resume_ = scheduler_.createTimer([this] {
    if (more_ && (watched_ & ready::kRead) != 0) events_->onTransportReady(ready::kRead);
  });
  below_->attach(*this);
}

void TlsTransport::watch(uint32_t events) {
  watched_ = events;
  updateWatch();
  resumeLater();
}

void TlsTransport::updateWatch() {
  uint32_t below = 0;
  if (!carrying_) {
    below = watched_;
  } else {
    if ((watched_ & ready::kRead) != 0) below |= readWants_;
    if ((watched_ & ready::kWrite) != 0) below |= writeWants_;
  }
  if (closeNotifyWaits_) below |= ready::kWrite;
  below_->watch(below);
}

void TlsTransport::resumeLater() const {
  if (resume_ == nullptr) return;
  if (more_ && (watched_ & ready::kRead) != 0) {
    resume_->enable(Duration::zero());
  } else if (resume_->enabled()) {
    resume_->disable();
  }
}

void TlsTransport::onTransportReady(uint32_t events) {
  if (!carrying_) {
    events_->onTransportReady(events);
    return;
  }
  if (closeNotifyWaits_ && (events & ready::kWrite) != 0) finishShutdown();
  uint32_t above = 0;
  if ((events & readWants_) != 0) above |= watched_ & ready::kRead;
  if ((events & writeWants_) != 0) above |= watched_ & ready::kWrite;
  if (above != 0) events_->onTransportReady(above);
}

// --- the handshake ---------------------------------------------------------------------------------------------

IoResult TlsTransport::handshake() {
  if (failure_) return IoResult::failed(failure_->code);
  if (!offered_ && context_->wantsKtls()) offerKernel();
  prepare();
  const int done = SSL_do_handshake(ssl_);
  if (done == 1) {
    established();
    return failure_ ? IoResult::failed(failure_->code) : IoResult::moved(0);
  }
  uint32_t wants = ready::kRead;
  const IoResult result = trouble(done, wants);
  if (result.status == IoResult::Status::kError && serves_ && !spokeTls()) answerPlainText();
  return result;
}

void TlsTransport::established() {
  info_.version = SSL_get_version(ssl_);
  const unsigned char* chosen = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl_, &chosen, &length);
  info_.alpn.assign(reinterpret_cast<const char*>(chosen), length);
  info_.resumed = SSL_session_reused(ssl_) == 1;
  if (const X509* certificate = SSL_get0_peer_certificate(ssl_); certificate != nullptr) {
    info_.peerNotAfter = notAfterOf(certificate);
  }
  if (!serves_ && alpn_ == Alpn::kHttp2 && info_.alpn != "h2") {
    failure_ = noHttp2("by ALPN it chose " + (info_.alpn.empty() ? "nothing" : info_.alpn));
    return;
  }
  if (offered_) settleKernel();
  quiet_ = 0;
  carrying_ = true;
  // What came with the last of the handshake: nothing below says so again, and who waited to read goes on waiting for it.
  more_ = SSL_has_pending(ssl_) == 1;
  resumeLater();
}

// Now: before it was connected there may have been another socket below (RFC 8305).
void TlsTransport::offerKernel() {
  const int fd = below_->fd();
  BIO* socket = fd >= 0 ? BIO_new_socket(fd, BIO_NOCLOSE) : nullptr;
  if (socket == nullptr) return;  // OpenSSL encrypts
  SSL_set0_wbio(ssl_, socket);
  offered_ = true;
}

// OpenSSL has asked it by now, if version and cipher are such that it might.
void TlsTransport::settleKernel() {
  info_.ktls = BIO_get_ktls_send(SSL_get_wbio(ssl_)) == 1;
  if (info_.ktls) return;
  BIO* const own = SSL_get_rbio(ssl_);
  BIO_up_ref(own);
  SSL_set0_wbio(ssl_, own);
}

// A server that has nothing in common with our offer chooses nothing, or ends the handshake (RFC 7301 3.2).
Error TlsTransport::noHttp2(const std::string& how) const {
  return {"\"" + name_ + "\" speaks no HTTP/2 on this port: " + how, codeOf(TlsFailure::kNoHttp2)};
}

// To a client that sees to it that it reads what it gets: a browser, curl.
void TlsTransport::answerPlainText() {
  const iovec entry{const_cast<char*>(kPlainTextAnswer.data()), kPlainTextAnswer.size()};  // NOLINT: only read
  (void)below_->write(&entry, 1);
  (void)below_->shutdownWrite();
}

// --- bytes -----------------------------------------------------------------------------------------------------

IoResult TlsTransport::read(const iovec* entries, int count) {
  if (failure_) return IoResult::failed(failure_->code);
  prepare();
  const bool waited = std::exchange(more_, false);
  const uint32_t wanted = readWants_;
  size_t total = 0;
  for (int i = 0; i < count; ++i) {
    size_t filled = 0;
    while (filled < entries[i].iov_len) {
      size_t got = 0;
      const int done =
          SSL_read_ex(ssl_, static_cast<char*>(entries[i].iov_base) + filled, entries[i].iov_len - filled, &got);
      if (done != 1) {
        const IoResult result = trouble(done, readWants_);
        if (readWants_ != wanted) updateWatch();
        // An end or a failure is told by the next call.
        more_ = total > 0 && result.status != IoResult::Status::kAgain;
        if (waited || more_) resumeLater();
        return total > 0 ? IoResult::moved(total) : result;
      }
      quiet_ = 0;
      filled += got;
      total += got;
    }
  }
  more_ = true;  // most likely: nothing below says so
  resumeLater();
  return IoResult::moved(total);
}

// What is written is one record for each call of SSL_write(): small pieces are put together, large ones are taken as they
// are. A record that the kernel did not take whole must be offered again with at least as many bytes as the first time; output
// only grows, so it is.
IoResult TlsTransport::write(const iovec* entries, int count) {
  if (failure_) return IoResult::failed(failure_->code);
  if (info_.ktls) return below_->write(entries, count);
  thread_local std::array<char, kRecord> joined;
  prepare();
  const uint32_t wanted = writeWants_;
  size_t total = 0;
  size_t offset = 0;  // in the first entry that is left
  while (count > 0) {
    const char* data = static_cast<const char*>(entries->iov_base) + offset;
    size_t size = std::min(entries->iov_len - offset, kRecord);
    if (size < kRecord && count > 1) {
      size_t from = offset;
      size_t filled = 0;
      for (int i = 0; i < count && filled < kRecord; ++i, from = 0) {
        const size_t piece = std::min(entries[i].iov_len - from, kRecord - filled);
        std::memcpy(joined.data() + filled, static_cast<const char*>(entries[i].iov_base) + from, piece);
        filled += piece;
      }
      data = joined.data();
      size = filled;
    }
    if (size == 0) break;
    size_t put = 0;
    const int done = SSL_write_ex(ssl_, data, size, &put);
    if (done != 1) {
      const IoResult result = trouble(done, writeWants_);
      if (writeWants_ != wanted) updateWatch();
      return total > 0 ? IoResult::moved(total) : result;
    }
    total += put;
    offset += put;
    for (; count > 0 && offset >= entries->iov_len; ++entries, --count)
      offset -= entries->iov_len;
  }
  return IoResult::moved(total);
}

Result<void> TlsTransport::shutdownWrite() {
  if (failure_) return Error{failure_->message, failure_->code};
  finishShutdown();
  return {};
}

// close_notify, then the end of the connection's direction.
void TlsTransport::finishShutdown() {
  closeNotifyWaits_ = false;
  prepare();
  const int done = SSL_shutdown(ssl_);
  if (done < 0 && SSL_get_error(ssl_, done) == SSL_ERROR_WANT_WRITE) {
    closeNotifyWaits_ = true;
    updateWatch();
    return;
  }
  updateWatch();
  // What else fails is found by who reads.
  (void)below_->shutdownWrite();
}

void TlsTransport::close(bool reset) {
  if (closed_) return;
  closed_ = true;
  resume_.reset();
  if (!reset && carrying_ && !failure_) {
    prepare();
    (void)SSL_shutdown(ssl_);
    ERR_clear_error();
  }
  below_->close(reset);
}

bool TlsTransport::readableNow() const {
  if (more_ || failure_) return true;
  if (!below_->readableNow()) return false;
  if (!carrying_) return true;
  prepare();
  char first = 0;
  size_t got = 0;
  const int done = SSL_peek_ex(ssl_, &first, 1, &got);
  uint32_t wants = 0;
  if (done != 1 && trouble(done, wants).status == IoResult::Status::kAgain) return false;
  more_ = true;
  resumeLater();
  return true;
}

// Before each call of OpenSSL: its errors are those of the thread.
void TlsTransport::prepare() const {
  budget_ = kTurn;
  belowError_ = 0;
  errno = 0;
  ERR_clear_error();
}

// --- trouble ---------------------------------------------------------------------------------------------------

// Right after a call that returned `result`; `wants`: what it waits for, if it does.
IoResult TlsTransport::trouble(int result, uint32_t& wants) const {
  if (failure_) return IoResult::failed(failure_->code);
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_ZERO_RETURN) return IoResult::end();
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
    wants = error == SSL_ERROR_WANT_READ ? ready::kRead : ready::kWrite;
    return IoResult::again(wants);
  }
  // OpenSSL wrote to the socket itself.
  if (error == SSL_ERROR_SYSCALL && offered_ && belowError_ == 0 && !belowEnded_) belowError_ = errno;
  // A failed write leaves what has come to be read.
  if (error == SSL_ERROR_SYSCALL && belowError_ != 0) return IoResult::failed(belowError_);
  fail(error);
  return IoResult::failed(failure_->code);
}

void TlsTransport::fail(int sslError) const {
  failure_ = describe(sslError);
  ERR_clear_error();
}

bool TlsTransport::spokeTls() const { return first_.empty() || isRecordType(first_.front()); }

Error TlsTransport::describe(int sslError) const {
  const unsigned long last = ERR_peek_last_error();  // what it meant for TLS; the first one is why
  const int reason = sslError == SSL_ERROR_SSL && ERR_GET_LIB(last) == ERR_LIB_SSL ? ERR_GET_REASON(last) : 0;
  if (sslError == SSL_ERROR_SYSCALL || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    if (!carrying_) return {"closed by the remote side during the TLS handshake", ECONNRESET};
    return {"the remote side closed the connection without TLS's close_notify", codeOf(TlsFailure::kTruncated)};
  }
  if (!carrying_ && !spokeTls()) {
    const char* what = first_.starts_with("HTTP/") || serves_ ? "plain HTTP" : "plain text";
    return {std::string(what) + " came where TLS is spoken" +
                (serves_ ? "" : ": is this the peer's port for TLS? (/peers/*/tls/upstream/enabled)"),
            codeOf(TlsFailure::kPlainText)};
  }
  if (reason > SSL_AD_REASON_OFFSET) {
    const int alert = reason - SSL_AD_REASON_OFFSET;
    if (alert == SSL_AD_NO_APPLICATION_PROTOCOL && !serves_ && alpn_ == Alpn::kHttp2) {
      return noHttp2("it refused it by ALPN");
    }
    // A server of TLS 1.2 has no better alert for it.
    const bool unshown =
        hadNothingToShow_ && (alert == SSL_AD_HANDSHAKE_FAILURE || alert == SSL_AD_CERTIFICATE_REQUIRED);
    const bool identity = unshown || refusesIdentity(alert);
    return {std::string("the remote side ") +
                (unshown    ? "asks for a certificate and we have none to show"
                 : identity ? "did not accept our certificate"
                            : "ended the connection") +
                " (TLS alert " + std::to_string(alert) + ", " + wordOf(alert) + ")",
            codeOf(identity ? TlsFailure::kIdentity : TlsFailure::kAlert)};
  }
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    const std::string why = X509_verify_cert_error_string(SSL_get_verify_result(ssl_));
    const std::string whose = serves_ ? "the client's certificate" : "the certificate of \"" + name_ + "\"";
    return {whose + " was not accepted: " + why, codeOf(TlsFailure::kCertificate)};
  }
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    return {"the client has shown no certificate", codeOf(TlsFailure::kCertificate)};
  }
  return {"TLS: " + takeTlsErrors(), codeOf(TlsFailure::kProtocol)};
}

// Of these nobody needs more than a few in a row: a flood is made to keep us at work (and OpenSSL has no limit of its own).
void TlsTransport::onQuietRecord() {
  if (!carrying_ || ++quiet_ <= kMaxQuiet || failure_) return;
  budget_ = 0;
  failure_ = Error{"more than " + std::to_string(kMaxQuiet) + " TLS records without data in a row",
                   codeOf(TlsFailure::kProtocol)};
}

Error TlsTransport::failure(const char* what, int code) const {
  if (failure_ && failure_->code == code) return *failure_;
  return Transport::failure(what, code);
}

// --- the connector ---------------------------------------------------------------------------------------------

Result<std::unique_ptr<Transport>> TlsConnector::connect(const SocketAddress& address, const SocketOptions& options) {
  auto below = below_.connect(address, options);
  if (!below) return below;
  TlsTarget target = target_;
  if (target.name.empty()) target.name = hostOf(address);
  return TlsTransport::client(scheduler_, std::move(*below), context_->get(), target, sessions_);
}

}  // namespace peerpulse::net
