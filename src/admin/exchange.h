// Exchange: one request to the admin. Collects the body, has it handled, and sends the answer; or becomes a
// live event stream.
//
// Threading: the admin's thread.
// Ownership: owned by its AdminConnection; destroyed by deferred deletion, because the codec calls into it.
// Invariants: the body kept is at most kMaxBody; unsent event text is at most kMaxBacklog, else the
// subscriber
//   is dropped.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "peerpulse/base/linked_list.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/http/codec.h"
#include "request.h"

namespace peerpulse::admin {

class AdminConnection;

struct SubscriberTag {};

class Exchange : public http::Receiver, public event::DeferredDeletable, public ListNode<SubscriberTag> {
 public:
  using List = std::list<std::unique_ptr<Exchange>>;
  static constexpr size_t kMaxBody = 64 * 1024;
  static constexpr size_t kMaxBacklog = 1024 * 1024;

  Exchange(AdminConnection& connection, http::ResponseStream& stream, http::RequestHead&& head);

  /// Answers at once, whatever else arrives.
  void answer(const Response& response);
  /// Of a subscriber: sends `text`, or ends the stream if the subscriber is too slow.
  void sendEvent(const std::string& text);
  /// Whether this is a live event stream.
  bool streaming() const { return streaming_; }

  List::iterator self;  ///< the place in the connection's list

 private:
  // http::Receiver
  void onData(Slice data) override;
  void onTrailers(http::HeaderList&&) override {}
  void onEnd() override;
  void onBodySent(size_t n) override { backlog_ -= n; }
  void onClosed() override;
  void onReset(http::ResetReason reason, std::string_view detail) override;

  void startStream();
  void sendText(const std::string& text);

  AdminConnection& connection_;
  http::ResponseStream* stream_;
  Request request_;
  size_t backlog_ = 0;  // given to the stream and not yet on the wire
  bool answered_ = false;
  bool streaming_ = false;
};

}  // namespace peerpulse::admin
