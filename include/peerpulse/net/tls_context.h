// TlsContext: certificates, keys, authorities and rules, read from files once, for any number of connections of one side.
// TlsContextSlot: where new connections find the context of now, while somebody else replaces it.
//
// Renegotiation and compression are off. Servers choose h2 over http/1.1 (ALPN, RFC 7301), the certificate by SNI (RFC
// 6066), and give tickets for resumption (RFC 8446 2.2); clients keep theirs in a TlsSessions.
//
// Threading: contexts are immutable and shared by all threads; slots may be used by any.
// Errors: each names the file, what is wrong with it, and what to do.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "peerpulse/base/mutex.h"
#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"
#include "peerpulse/net/tls_options.h"

struct ssl_ctx_st;
struct x509_st;

namespace peerpulse::net {

class TlsContext;
using TlsContextRef = std::shared_ptr<const TlsContext>;

class TlsContext {
 public:
  static Result<TlsContextRef> client(const TlsClientOptions& options);
  static Result<TlsContextRef> server(const TlsServerOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* get() const { return context_; }
  bool verifies() const { return verify_ != TlsVerify::kNone; }
  /// The name of the server is compared, too.
  bool verifiesName() const { return verify_ == TlsVerify::kFull; }
  /// The kernel is asked to encrypt what is sent.
  bool wantsKtls() const;
  /// When the first of our own certificates expires; nothing if there is none.
  const std::optional<WallTime>& notAfter() const { return notAfter_; }

  /// For servers: the context whose certificate names `name`; null: the default one.
  ssl_ctx_st* forName(const char* name) const;

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  Result<void> loadCertificate(const std::string& certificateFile, const std::string& keyFile);
  Result<void> addSniCertificate(const std::string& file, const TlsServerOptions& options);
  void noteExpiry(const x509_st* certificate);

  ssl_ctx_st* const context_;
  TlsVerify verify_ = TlsVerify::kNone;
  std::optional<WallTime> notAfter_;
  std::vector<std::unique_ptr<TlsContext>> others_;  // of servers, by SNI
};

/// When a certificate expires; nothing if that cannot be told.
std::optional<WallTime> notAfterOf(const x509_st* certificate);

class TlsContextSlot {
 public:
  explicit TlsContextSlot(TlsContextRef context = nullptr) : context_(std::move(context)) {}

  /// Never null once set() was called.
  TlsContextRef get() const {
    const MutexLock lock(mutex_);
    return context_;
  }
  void set(TlsContextRef context) {
    const MutexLock lock(mutex_);
    context_.swap(context);  // the last one's end is not inside the lock
  }

 private:
  mutable Mutex mutex_;
  TlsContextRef context_ PP_GUARDED_BY(mutex_);
};
using TlsSlotRef = std::shared_ptr<const TlsContextSlot>;

}  // namespace peerpulse::net
