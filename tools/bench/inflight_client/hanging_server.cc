#include "hanging_server.h"

namespace peerpulse::bench {

/// Answers `status` once the request is whole, or, if that is 0, never.
class HangingServer::Exchange : public http::Receiver, public event::DeferredDeletable {
 public:
  Exchange(HangingServer& server, http::ResponseStream& stream, int status, std::string body)
      : server_(server), stream_(stream), status_(status), body_(std::move(body)) {}

  void onData(Slice data) override { stream_.consumed(data.size()); }
  void onTrailers(http::HeaderList&& trailers) override {}
  void onEnd() override {
    if (status_ == 0) return;
    http::ResponseHead head;
    head.status = status_;
    head.contentLength = body_.size();
    head.headers.add("content-length", std::to_string(body_.size()));
    stream_.sendHeaders(head, body_.empty());
    if (body_.empty()) return;
    stream_.sendData(Slice::copyOf(body_));
    stream_.sendEnd();
  }
  void onBodySent(size_t n) override {}
  void onClosed() override { server_.release(*this); }
  void onReset(http::ResetReason reason, std::string_view detail) override { server_.release(*this); }

 private:
  HangingServer& server_;
  http::ResponseStream& stream_;
  int status_;
  std::string body_;
};

HangingServer::HangingServer(ClientLoop& loop, net::ListenSocket& socket)
    : loop_(loop), acceptor_(loop.dispatcher(), socket, [this](Fd fd) {
        auto session = std::make_unique<storage_node::Session>(
            static_cast<SessionHost&>(*this), net::PlainTransport::accepted(loop_.dispatcher(), std::move(fd)));
        storage_node::Session* key = session.get();
        sessions_.emplace(key, std::move(session));
      }) {}

HangingServer::~HangingServer() {
  acceptor_.stop();
  while (!sessions_.empty())
    sessions_.begin()->first->abort();
  loop_.dispatcher().clearDeferred();
}

http::Receiver* HangingServer::serve(storage_node::Session&, http::ResponseStream& stream,
                                     const http::RequestHead& head) {
  if (head.path == "/ok") return adopt(std::make_unique<Exchange>(*this, stream, 200, "ok\n"));
  if (head.path == "/held") {
    return adopt(std::make_unique<Exchange>(*this, stream, 200, std::to_string(held_)));
  }
  ++held_;
  return adopt(std::make_unique<Exchange>(*this, stream, 0, std::string()));
}

http::Receiver* HangingServer::refuse(storage_node::Session&, http::ResponseStream& stream, int status,
                                      std::string_view detail) {
  auto exchange = std::make_unique<Exchange>(*this, stream, status, std::string(detail));
  Exchange& reference = *exchange;
  // Kept before it answers: the answer may end it.
  http::Receiver* receiver = adopt(std::move(exchange));
  reference.onEnd();
  return receiver;
}

http::Receiver* HangingServer::adopt(std::unique_ptr<Exchange> exchange) {
  Exchange* key = exchange.get();
  exchanges_.emplace(key, std::move(exchange));
  return key;
}

void HangingServer::release(storage_node::Session& session) {
  const auto found = sessions_.find(&session);
  loop_.dispatcher().deferredDelete(std::move(found->second));
  sessions_.erase(found);
}

void HangingServer::release(Exchange& exchange) {
  const auto found = exchanges_.find(&exchange);
  loop_.dispatcher().deferredDelete(std::move(found->second));
  exchanges_.erase(found);
}

}  // namespace peerpulse::bench
