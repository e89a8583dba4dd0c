// What OpenSSL's per-thread queue of errors says, in words; and the callbacks that tls_transport.cc gives to tls_context.cc.
#pragma once

#include <string>

struct ssl_st;
struct ssl_session_st;
struct x509_st;
struct evp_pkey_st;

namespace peerpulse::net {

/// The first of the queued errors, which is the cause of the others; the queue is empty then.
std::string takeTlsErrors();

/// SSL_CTX_sess_set_new_cb(): a server gave a session to a TlsTransport's SSL. Returns 1: it is ours now.
int onNewTlsSession(ssl_st* ssl, ssl_session_st* session);

/// SSL_CTX_set_client_cert_cb(): a server asks a TlsTransport's SSL for a certificate, and it was given none. Returns 0: so it is.
int onCertificateAsked(ssl_st* ssl, x509_st** certificate, evp_pkey_st** key);

}  // namespace peerpulse::net
