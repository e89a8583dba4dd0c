// What OpenSSL's per-thread queue of errors says, in words; and the callback that tls_transport.cc gives to tls_context.cc.
#pragma once

#include <string>

struct ssl_st;
struct ssl_session_st;

namespace peerpulse::net {

/// The first of the queued errors, which is the cause of the others; the queue is empty then.
std::string takeTlsErrors();

/// SSL_CTX_sess_set_new_cb(): a server gave a session to a TlsTransport's SSL. Returns 1: it is ours now.
int onNewTlsSession(ssl_st* ssl, ssl_session_st* session);
/// SSL_CTX_set_cert_cb() of clients: the server asks for our certificate. Returns 1: whatever we have is shown.
int onTlsIdentityAsked(ssl_st* ssl, void*);

}  // namespace peerpulse::net
