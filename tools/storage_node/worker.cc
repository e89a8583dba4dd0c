#include "worker.h"

#include "peerpulse/net/tls_transport.h"
#include "storage_node/reply_exchange.h"

namespace peerpulse::storage_node {

Worker::Worker(const Router& router, tools::IoPool& pool, net::ListenSocket& socket, net::TlsContextRef tls)
    : router_(router),
      pool_(pool),
      tls_(std::move(tls)),
      acceptor_(dispatcher_, socket, [this](Fd fd) { onAccept(std::move(fd)); }) {
  sweepTimer_ = dispatcher_.createTimer([this] { sweep(); });
  drainTimer_ = dispatcher_.createTimer([this] { abortSessions(); });
}

Worker::~Worker() = default;

void Worker::run() {
  sweepTimer_->enable(kSweepInterval);
  dispatcher_.run();
}

void Worker::drain(Duration timeout) {
  dispatcher_.post([this, timeout] { startDrain(timeout); });
}

void Worker::onAccept(Fd fd) {
  if (sessions_.size() >= kMaxSessions) return;  // closes it
  std::unique_ptr<net::Transport> transport = net::PlainTransport::accepted(dispatcher_, std::move(fd));
  if (tls_ != nullptr) {
    auto secured = net::TlsTransport::server(dispatcher_, std::move(transport), tls_);
    if (!secured) return;  // no memory
    transport = std::move(*secured);
  }
  auto session = std::make_unique<Session>(static_cast<SessionHost&>(*this), std::move(transport));
  Session* key = session.get();
  sessions_.emplace(key, std::move(session));
}

http::Receiver* Worker::serve(Session&, http::ResponseStream& stream, const http::RequestHead& head) {
  const bool waits = http::equalsIgnoreCase(head.headers.find("expect"), "100-continue");
  // On h2 many say so and do not wait; there an early answer would end in a stream error for them.
  const bool early = waits && head.version != http::Version::kHttp2;
  const ExchangeContext context{*this, stream, head.method == "HEAD", waits, early};
  if (exchanges_.size() >= kMaxExchanges) {
    return adopt(std::make_unique<ReplyExchange>(context, Problem{503, "too many requests at once"}));
  }
  return adopt(router_.createExchange(context, head));
}

http::Receiver* Worker::refuse(Session&, http::ResponseStream& stream, int status, std::string_view detail) {
  const ExchangeContext context{*this, stream, false, false, true};
  return adopt(std::make_unique<ReplyExchange>(context, Problem{status, std::string(detail)}));
}

http::Receiver* Worker::adopt(std::unique_ptr<Exchange> exchange) {
  Exchange* raw = exchange.get();
  exchanges_.emplace(raw, std::move(exchange));
  raw->start();
  return raw;
}

void Worker::release(Session& session) {
  const auto found = sessions_.find(&session);
  dispatcher_.deferredDelete(std::move(found->second));
  sessions_.erase(found);
  exitIfDrained();
}

void Worker::release(Exchange& exchange) {
  const auto found = exchanges_.find(&exchange);
  dispatcher_.deferredDelete(std::move(found->second));
  exchanges_.erase(found);
  exitIfDrained();
}

// A copy: what is done with a session may end it, and so change the map.
std::vector<Session*> Worker::sessions() const {
  std::vector<Session*> sessions;
  sessions.reserve(sessions_.size());
  for (const auto& [session, owner] : sessions_)
    sessions.push_back(session);
  return sessions;
}

void Worker::sweep() {
  for (Session* session : sessions())
    session->sweep(dispatcher_.now());
  sweepTimer_->enable(kSweepInterval);
}

void Worker::startDrain(Duration timeout) {
  draining_ = true;
  acceptor_.stop();
  drainTimer_->enable(timeout);
  for (Session* session : sessions())
    session->drain();
  exitIfDrained();
}

void Worker::abortSessions() {
  for (Session* session : sessions())
    session->abort();
}

void Worker::exitIfDrained() {
  if (draining_ && sessions_.empty() && exchanges_.empty()) dispatcher_.exit();
}

}  // namespace peerpulse::storage_node
