// HealthCheck: the requests that a session asks a peer's process by, one after the other, over a codec that the session
// drives: HEAD of the health path; without one OPTIONS * (RFC 9110 9.3.7), which changes nothing and which Go's servers
// answer themselves. A body is ignored.
//
// Threading: the prober's thread. Ownership: must outlive the codec's stream.
#pragma once

#include <functional>
#include <string>

#include "peerpulse/http/quiet_client.h"

namespace peerpulse::probe {

class HealthCheck : public http::QuietReceiver {
 public:
  /// `onStatus` gets the answer's status, or 0 if it broke off; once per request.
  explicit HealthCheck(std::function<void(int status)> onStatus);

  /// False if the codec takes none: the connection is of no use any more. An empty path: OPTIONS *.
  bool send(http::ClientCodec& codec, const std::string& authority, const std::string& path);

  void onHeaders(http::ResponseHead&& head) override;
  void onData(Slice data) override;
  void onClosed() override { stream_ = nullptr; }
  void onReset(http::ResetReason reason, std::string_view detail) override;

 private:
  void done(int status);

  std::function<void(int)> onStatus_;
  http::RequestStream* stream_ = nullptr;
  bool waiting_ = false;
};

}  // namespace peerpulse::probe
