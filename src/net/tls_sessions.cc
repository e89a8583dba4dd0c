#include "peerpulse/net/tls_sessions.h"

#include <utility>

#include <openssl/ssl.h>

namespace peerpulse::net {

void TlsSessions::Free::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

void TlsSessions::startWith(const TlsContextRef& context) {
  if (of_ == context) return;
  sessions_.clear();
  of_ = context;
}

void TlsSessions::add(const TlsContextRef& context, Session session) {
  if (of_ != nullptr && of_ != context) return;  // of a connection that was begun with the last one
  startWith(context);
  if (sessions_.size() == kMax) sessions_.pop_front();
  sessions_.push_back(std::move(session));
}

TlsSessions::Session TlsSessions::take(const TlsContextRef& context) {
  startWith(context);
  while (!sessions_.empty() && SSL_SESSION_is_resumable(sessions_.back().get()) == 0)
    sessions_.pop_back();
  if (sessions_.empty()) return nullptr;
  if (SSL_SESSION_get_protocol_version(sessions_.back().get()) < TLS1_3_VERSION) {
    SSL_SESSION_up_ref(sessions_.back().get());
    return Session(sessions_.back().get());
  }
  Session session = std::move(sessions_.back());
  sessions_.pop_back();
  return session;
}

}  // namespace peerpulse::net
