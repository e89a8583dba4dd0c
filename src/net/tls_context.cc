#include "peerpulse/net/tls_context.h"

#include <algorithm>
#include <ctime>
#include <string_view>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "peerpulse/base/assert.h"
#include "tls_errors.h"

namespace peerpulse::net {

namespace {

// Of the decrypted side: four records fit, and a bulk sender's are taken in by one system call.
constexpr size_t kReadAhead = 4 * (SSL3_RT_MAX_PLAIN_LENGTH + SSL3_RT_MAX_ENCRYPTED_OVERHEAD + SSL3_RT_HEADER_LENGTH);

// A key behind a pass phrase would make OpenSSL ask the terminal. An error in its place says so.
int noPassphrase(char*, int, int, void*) { return 0; }

int versionOf(TlsVersion version) { return version == TlsVersion::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION; }

Error fileError(const std::string& file, const char* what) {
  return Error{file + ": " + what + ": " + takeTlsErrors()};
}

// RFC 7301: the server's choice of what the client offers. A client that offers nothing that we know gets no choice, and its
// first bytes decide.
int chooseProtocol(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* offered,
                   unsigned int offeredLength, void*) {
  for (const std::string_view mine : {std::string_view("h2"), std::string_view("http/1.1")}) {
    for (unsigned int at = 0; at < offeredLength; at += 1 + offered[at]) {
      const std::string_view theirs(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
      if (theirs != mine) continue;
      *out = offered + at + 1;
      *length = offered[at];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_NOACK;
}

int chooseCertificate(SSL* ssl, int*, void* context) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_CTX* chosen = static_cast<const TlsContext*>(context)->forName(name);
  if (chosen != nullptr) SSL_set_SSL_CTX(ssl, chosen);
  return SSL_TLSEXT_ERR_OK;
}

SSL_CTX* newContext(const SSL_METHOD* method, TlsVersion minVersion, bool ktls) {
  ERR_clear_error();
  SSL_CTX* context = SSL_CTX_new(method);
  if (context == nullptr) return nullptr;
  SSL_CTX_set_min_proto_version(context, versionOf(minVersion));
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  if (ktls) SSL_CTX_set_options(context, SSL_OP_ENABLE_KTLS);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadAhead);
  SSL_CTX_set_default_passwd_cb(context, noPassphrase);
  return context;
}

// What a connection judges by after it has changed to another certificate's context, too: that context's authorities, and its
// sessions only.
Result<void> serveBy(SSL_CTX* context, const TlsServerOptions& options) {
  constexpr unsigned char kSessionContext[] = "peerpulse";
  SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_alpn_select_cb(context, chooseProtocol, nullptr);
  if (options.clientCertificate == ClientCertificate::kNone) return {};
  const char* file = options.clientCaFile.c_str();
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(file);
  if (names == nullptr || SSL_CTX_load_verify_file(context, file) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return fileError(options.clientCaFile, "no authorities of clients (PEM) can be read from it");
  }
  SSL_CTX_set_client_CA_list(context, names);  // which it owns now
  const bool required = options.clientCertificate == ClientCertificate::kRequired;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  return {};
}

}  // namespace

std::optional<WallTime> notAfterOf(const x509_st* certificate) {
  std::tm at{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &at) != 1) return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&at));
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

bool TlsContext::wantsKtls() const { return (SSL_CTX_get_options(context_) & SSL_OP_ENABLE_KTLS) != 0; }

void TlsContext::noteExpiry(const x509_st* certificate) {
  const auto at = notAfterOf(certificate);
  if (at && (!notAfter_ || *at < *notAfter_)) notAfter_ = at;
}

Result<void> TlsContext::loadCertificate(const std::string& certificateFile, const std::string& keyFile) {
  if (SSL_CTX_use_certificate_chain_file(context_, certificateFile.c_str()) != 1) {
    return fileError(certificateFile, "no certificate (PEM) can be read from it");
  }
  const std::string& key = keyFile.empty() ? certificateFile : keyFile;
  if (SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH) {
      return Error{key + ": this private key is not that of the certificate in " + certificateFile};
    }
    return fileError(key, "no private key (PEM, without a pass phrase) can be read from it");
  }
  noteExpiry(SSL_CTX_get0_certificate(context_));
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(context_, &chain);
  for (int i = 0; i < sk_X509_num(chain); ++i)
    noteExpiry(sk_X509_value(chain, i));
  return {};
}

Result<TlsContextRef> TlsContext::client(const TlsClientOptions& options) {
  SSL_CTX* raw = newContext(TLS_client_method(), options.minVersion, options.ktls);
  if (raw == nullptr) return Error{"TLS cannot be set up: " + takeTlsErrors()};
  std::shared_ptr<TlsContext> context(new TlsContext(raw));
  context->verify_ = options.verify;
  if (options.verify != TlsVerify::kNone) {
    const bool loaded = options.caFile.empty() ? SSL_CTX_set_default_verify_paths(raw) == 1
                                               : SSL_CTX_load_verify_file(raw, options.caFile.c_str()) == 1;
    if (!loaded && options.caFile.empty()) return Error{"the system's trusted certificates: " + takeTlsErrors()};
    if (!loaded) return fileError(options.caFile, "no trusted certificates (PEM) can be read from it");
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  }
  if (!options.certificateFile.empty()) {
    if (auto done = context->loadCertificate(options.certificateFile, options.keyFile); !done) return done.error();
  }
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(raw, onNewTlsSession);
  SSL_CTX_set_client_cert_cb(raw, onCertificateAsked);  // unless there is one
  return TlsContextRef(std::move(context));
}

Result<TlsContextRef> TlsContext::server(const TlsServerOptions& options) {
  SSL_CTX* raw = newContext(TLS_server_method(), options.minVersion, options.ktls);
  if (raw == nullptr) return Error{"TLS cannot be set up: " + takeTlsErrors()};
  std::shared_ptr<TlsContext> context(new TlsContext(raw));
  if (auto done = context->loadCertificate(options.certificateFile, options.keyFile); !done) return done.error();
  if (auto done = serveBy(raw, options); !done) return done.error();
  SSL_CTX_set_options(raw, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  for (const std::string& file : options.sniCertificates) {
    if (auto added = context->addSniCertificate(file, options); !added) return added.error();
  }
  SSL_CTX_set_tlsext_servername_callback(raw, chooseCertificate);
  SSL_CTX_set_tlsext_servername_arg(raw, context.get());
  return TlsContextRef(std::move(context));
}

Result<void> TlsContext::addSniCertificate(const std::string& file, const TlsServerOptions& options) {
  SSL_CTX* raw = newContext(TLS_server_method(), options.minVersion, options.ktls);
  if (raw == nullptr) return Error{"TLS cannot be set up: " + takeTlsErrors()};
  std::unique_ptr<TlsContext> other(new TlsContext(raw));
  if (auto done = other->loadCertificate(file, ""); !done) return done;
  if (auto done = serveBy(raw, options); !done) return done;
  if (other->notAfter_ && (!notAfter_ || *other->notAfter_ < *notAfter_)) notAfter_ = other->notAfter_;
  others_.push_back(std::move(other));
  return {};
}

ssl_ctx_st* TlsContext::forName(const char* name) const {
  const auto names = [name](const TlsContext& context) {
    return X509_check_host(SSL_CTX_get0_certificate(context.context_), name, 0, 0, nullptr) == 1;
  };
  if (others_.empty() || names(*this)) return nullptr;
  const auto found = std::find_if(others_.begin(), others_.end(), [&](const auto& other) { return names(*other); });
  return found == others_.end() ? nullptr : (*found)->context_;
}

}  // namespace peerpulse::net
