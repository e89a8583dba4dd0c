#include "health_check.h"

#include <utility>

namespace peerpulse::probe {

HealthCheck::HealthCheck(std::function<void(int)> onStatus) : onStatus_(std::move(onStatus)) {}

bool HealthCheck::send(http::ClientCodec& codec, const std::string& authority, const std::string& path) {
  if (stream_ != nullptr || !codec.canOpenStream()) return false;
  http::RequestHead head;
  head.method = path.empty() ? "OPTIONS" : "HEAD";
  head.authority = authority;
  head.path = path.empty() ? "*" : path;
  head.headers.add("user-agent", "peerpulse");
  stream_ = &codec.openStream(*this);
  waiting_ = true;
  stream_->sendHeaders(head, true);
  return true;
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
  if (std::exchange(waiting_, false)) onStatus_(status);
}

}  // namespace peerpulse::probe
