#include "raw_client.h"

#include <algorithm>

namespace peerpulse::sim {

RawClient::RawClient(LocalClient& client, RawScript script)
    : client_(client), timer_(client.host().loop.createTimer([this] { end(then_ == Then::kResets); })) {
  compose(script);
}

std::string RawClient::request(const char* method, uint64_t body) {
  ClientHost& host = client_.host();
  RequestEntry& record = host.ledger.open(client_.peer(), body > 0 ? Wish::kPut : Wish::kGet, host.loop.now());
  record.honest = false;
  record.bodySize = body;
  record.answerSize = 20;
  // Nobody tells how it ends.
  host.ledger.ended(record.id, ClientEnd::kCancelled, host.loop.now());
  std::string text = std::string(method) + " /raw HTTP/1.1\r\nhost: node\r\n";
  text += std::string(kIdField) + ": " + std::to_string(record.id) + "\r\n";
  if (body > 0) text += "content-length: " + std::to_string(body) + "\r\n";
  answered_ = record.id;
  return text + "\r\n";
}

void RawClient::compose(RawScript script) {
  Random& random = client_.random();
  patience_ = random.spread(milliseconds(1), seconds(8));
  const auto part = [&](uint64_t of) {
    return std::string(client_.host()
                           .pattern.piece(answered_, Direction::kRequest, 0, random.below(static_cast<uint32_t>(of)))
                           .view());
  };
  switch (script) {
    case RawScript::kGarbage:
      for (uint32_t n = 1 + random.below(300); n > 0; --n)
        text_ += static_cast<char>(random.below(256));
      return;
    case RawScript::kHalfClosed:
      text_ = request("GET", 0);
      then_ = Then::kHalfCloses;
      return;
    case RawScript::kPartOfHead:
      text_ = request("GET", 0);
      text_.resize(random.below(static_cast<uint32_t>(text_.size())));
      return;
    case RawScript::kPartOfBody:
      text_ = request("PUT", 10'000);
      text_ += part(10'000);
      then_ = Then::kHalfCloses;
      return;
    case RawScript::kVanishes:
      text_ = request("PUT", 10'000);
      text_ += part(10'000);
      then_ = Then::kResets;
      return;
    case RawScript::kPipelined:
      text_ = request("GET", 0);
      text_ += request("GET", 0);
      return;
    case RawScript::kBadFrames:
      text_ = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
      for (uint32_t n = random.below(200); n > 0; --n)
        text_ += static_cast<char>(random.below(256));
      return;
    case RawScript::kConnectsOnly: return;
  }
}

void RawClient::begin() {
  auto transport = client_.host().connector.connect(client_.listener(), {});
  if (!transport) {
    finish();
    return;
  }
  transport_ = std::move(*transport);
  transport_->attach(*this);
  transport_->watch(net::ready::kWrite);
  timer_->enable(patience_);
}

void RawClient::onTransportReady(uint32_t events) {
  if (!connected_) {
    if (transport_->connectResult() != 0) {
      end(false);
      return;
    }
    connected_ = true;
  }
  if (!said_) write();
  if ((events & net::ready::kRead) != 0 && !over_) read();
  if (!over_) transport_->watch(net::ready::kRead | (said_ ? 0 : net::ready::kWrite));
}

void RawClient::write() {
  while (!text_.empty()) {
    const iovec entry{text_.data(), text_.size()};
    const net::IoResult result = transport_->write(&entry, 1);
    if (result.status == net::IoResult::Status::kAgain) return;
    if (result.status != net::IoResult::Status::kOk) {
      end(false);
      return;
    }
    text_.erase(0, result.bytes);
  }
  said_ = true;
  if (then_ == Then::kHalfCloses && !transport_->shutdownWrite()) end(false);
}

void RawClient::read() {
  char bytes[4096];
  const iovec entry{bytes, sizeof bytes};
  for (;;) {
    const net::IoResult result = transport_->read(&entry, 1);
    if (result.status == net::IoResult::Status::kAgain) return;
    if (result.status != net::IoResult::Status::kOk) {
      end(false);
      return;
    }
    if (heard_.size() < 64) heard_.append(bytes, std::min<size_t>(result.bytes, 64));
  }
}

void RawClient::end(bool reset) {
  if (over_) return;
  if (transport_) transport_->close(reset);
  finish();
}

void RawClient::finish() {
  over_ = true;
  timer_->disable();
  client_.rawOver();
}

}  // namespace peerpulse::sim
