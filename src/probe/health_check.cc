#include "health_check.h"

#include <utility>

namespace peerpulse::probe {

HealthCheck::HealthCheck(std::function<void(int)> onStatus) : onStatus_(std::move(onStatus)) {}

void HealthCheck::send(http::ClientCodec& codec, const std::string& authority, const std::string& path) {
  if (!codec.canOpenStream()) {
    done(0);
    return;
  }
  http::RequestHead head;
  head.method = "GET";
  head.authority = authority;
  head.path = path;
  head.headers.add("user-agent", "peerpulse");
  stream_ = &codec.openStream(*this);
  stream_->sendHeaders(head, true);
}

void HealthCheck::onHeaders(http::ResponseHead&& head) { done(head.status); }

void HealthCheck::onData(Slice data) {
  if (stream_ != nullptr) stream_->consumed(data.size());
}

void HealthCheck::onReset(http::ResetReason reason, std::string_view detail) {
  stream_ = nullptr;
  done(0);
}

void HealthCheck::done(int status) {
  if (done_) return;
  done_ = true;
  onStatus_(status);
}

}  // namespace peerpulse::probe
