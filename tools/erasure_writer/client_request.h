// ClientRequest: one request to a peer and its whole response.
//
//   Idle --PeerClient::submit()--> Waiting --connection--> Active --response, failure, timeout--> Done
//   Waiting, Active --cancel()--> Done, without a callback
//
// The timeout restarts with every step forward: a connection got, body bytes handed to the wire, response
// bytes received. A response that arrives whole before the request's body went out ends the request.
//
// Threading: the loop's thread.
// Ownership: the submitter's; onDone is called from inside the codec, so a request is let go of through
//   Dispatcher::deferredDelete().
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "peerpulse/base/linked_list.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/http/codec.h"

namespace peerpulse::erasure_writer {

struct ResponseResult {
  /// 0 until a final response head arrived.
  int status = 0;
  Buffer body;
  /// Why there is no whole response; empty when there is.
  std::string error;
  /// The response's Proxy-Status field, if any.
  std::string proxyStatus;
  /// The disk that the fan-out API says has it, if it says so.
  std::string storedOn;
  TimePoint started;  ///< when it was submitted
  TimePoint ended;

  bool ok() const { return error.empty() && status >= 200 && status < 300; }
  /// For failure lists: `error`, or the status.
  std::string reason() const { return error.empty() ? "status " + std::to_string(status) : error; }
};

struct WaitingTag {};

class ClientRequest : public http::ResponseReceiver, public event::DeferredDeletable, public ListNode<WaitingTag> {
 public:
  struct Spec {
    std::string method;
    std::string path;
    /// Sent when the method is PUT, also when it is empty.
    Slice body;
    size_t maxResponseBody = 64 * 1024;
    Duration timeout = seconds(10);
  };
  using Done = std::function<void(ClientRequest&)>;

  ClientRequest(event::Dispatcher& dispatcher, Spec spec, Done onDone);
  ~ClientRequest() override;

  void cancel();
  ResponseResult& result() { return result_; }
  bool done() const { return state_ == State::kDone; }

  /// For PeerClient: the clock starts.
  void submitted();
  /// For PeerClient: sends it.
  void begin(http::ClientCodec& codec, const std::string& authority);
  /// For PeerClient: no connection could be had.
  void fail(std::string reason);

  void onInformational(http::ResponseHead&& head) override {}
  void onHeaders(http::ResponseHead&& head) override;
  void onData(Slice data) override;
  void onTrailers(http::HeaderList&& trailers) override {}
  void onEnd() override;
  void onBodySent(size_t n) override;
  void onClosed() override;
  void onReset(http::ResetReason reason, std::string_view detail) override;

 private:
  enum class State : uint8_t { kIdle, kWaiting, kActive, kDone };

  void restartTimer();
  void dropStream();
  void finish(std::string error);

  event::Dispatcher& dispatcher_;
  const Spec spec_;
  Done onDone_;
  std::unique_ptr<event::Timer> timer_;
  State state_ = State::kIdle;
  ResponseResult result_;
  http::RequestStream* stream_ = nullptr;
  size_t unsent_ = 0;
};

}  // namespace peerpulse::erasure_writer
