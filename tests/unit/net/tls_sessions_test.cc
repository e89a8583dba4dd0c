// Goal: a ticket is used once, a session of TLS 1.2 again, and none with another context than its own.
#include "peerpulse/net/tls_sessions.h"

#include "tls_fixture.h"

using namespace peerpulse;
using namespace peerpulse::net;
using namespace peerpulse::net::test;

namespace {

TlsSessions::Session made(int version) {
  TlsSessions::Session session(SSL_SESSION_new());
  REQUIRE(SSL_SESSION_set_protocol_version(session.get(), version) == 1);
  const unsigned char id[] = "id";
  REQUIRE(SSL_SESSION_set1_id(session.get(), id, sizeof id) == 1);
  return session;
}

}  // namespace

TEST_CASE("tls sessions: the newest first, each ticket once, and not more than fit") {
  const auto context = TlsContext::client({}).value();
  TlsSessions sessions;
  CHECK(sessions.take(context) == nullptr);
  ssl_session_st* newest = nullptr;
  for (size_t i = 0; i < TlsSessions::kMax + 3; ++i) {
    auto session = made(TLS1_3_VERSION);
    newest = session.get();
    sessions.add(context, std::move(session));
  }
  CHECK(sessions.size() == TlsSessions::kMax);
  CHECK(sessions.take(context).get() == newest);
  CHECK(sessions.size() == TlsSessions::kMax - 1);
}

TEST_CASE("tls sessions: one of TLS 1.2 is used until it is replaced") {
  const auto context = TlsContext::client({}).value();
  TlsSessions sessions;
  auto session = made(TLS1_2_VERSION);
  const ssl_session_st* same = session.get();
  sessions.add(context, std::move(session));
  CHECK(sessions.take(context).get() == same);
  CHECK(sessions.take(context).get() == same);
}

TEST_CASE("tls sessions: those of a context that was replaced are gone") {
  const auto before = TlsContext::client({}).value();
  const auto now = TlsContext::client({}).value();
  TlsSessions sessions;
  sessions.add(before, made(TLS1_3_VERSION));
  CHECK(sessions.take(now) == nullptr);
  sessions.add(before, made(TLS1_3_VERSION));  // of a connection that is still open
  CHECK(sessions.size() == 0);
  CHECK(sessions.take(now) == nullptr);
}
