// Exchange: one request to the admin. Collects the body, has it handled, and sends the answer: at once, or once there is
// something new to say (/peers?wait=); or becomes a live event stream.
//
//   receiving -> answered          whatever else arrives
//   receiving -> waiting -> answered
//   receiving -> streaming         until its subscriber goes, or is too slow
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
class Service;

/// Of those who are told of changes: subscribers, and who waits.
struct SubscriberTag {};

enum class ExchangeState : uint8_t { kReceiving, kWaiting, kAnswered, kStreaming };

class Exchange : public http::Receiver, public event::DeferredDeletable, public ListNode<SubscriberTag> {
 public:
  using List = std::list<std::unique_ptr<Exchange>>;
  static constexpr size_t kMaxBody = 64 * 1024;
  static constexpr size_t kMaxBacklog = 1024 * 1024;

  Exchange(AdminConnection& connection, http::ResponseStream& stream, http::RequestHead&& head);
  ~Exchange() override;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// Answers at once, whatever else arrives.
  void answer(const Response& response);
  /// Of a subscriber: sends `text`, or ends the stream if the subscriber is too slow.
  void sendEvent(const std::string& text);
  /// Of one that waits: answers with what is so now (if that is not the version it knows; with an error).
  void endWait();
  void onVersion(uint64_t version);
  void refuseWait(const Response& why);
  /// Whether this is a live event stream.
  bool streaming() const { return state_ == ExchangeState::kStreaming; }
  /// Whether its request has not come to its end.
  bool receiving() const { return state_ == ExchangeState::kReceiving; }
  /// Whether it waits for something new to say.
  bool waiting() const { return state_ == ExchangeState::kWaiting; }

  List::iterator self;  ///< the place in the connection's list

 private:
  // http::Receiver
  void onData(Slice data) override;
  void onTrailers(http::HeaderList&&) override {}
  void onEnd() override;
  void onBodySent(size_t n) override;
  void onClosed() override;
  void onReset(http::ResetReason reason, std::string_view detail) override;

  void to(ExchangeState next);
  void startStream();
  void startWait();
  void sendText(const std::string& text);

  AdminConnection& connection_;
  Service& service_;  // outlives it; the connection may not
  http::ResponseStream* stream_;
  Request request_;
  size_t backlog_ = 0;  // given to the stream and not yet on the wire
  ExchangeState state_ = ExchangeState::kReceiving;
  uint64_t knownVersion_ = 0;              // of who waits
  std::unique_ptr<event::Timer> timeout_;  // the same
};

}  // namespace peerpulse::admin
