// Exchange: one request and its answer. The base carries what all share: the stream's end, answers,
// discarding of bodies nobody wants, and file operations away from the loop.
//
// An exchange outlives its stream while a file operation runs for it; then it cleans up and is released.
//
// Threading: the loop's thread, but for what runIo() is told to run.
// Ownership: owned by its ExchangeHost.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/io_pool.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/http/codec.h"
#include "storage_node/problem.h"

namespace peerpulse::storage_node {

class Exchange;

/// The loop an exchange lives on.
class ExchangeHost {
 public:
  virtual ~ExchangeHost() = default;
  virtual event::Dispatcher& dispatcher() = 0;
  virtual tools::IoPool& pool() = 0;
  /// `exchange` has nothing left to do; it is destroyed at the end of the turn.
  virtual void release(Exchange& exchange) = 0;
};

/// What an exchange is made from.
struct ExchangeContext {
  ExchangeHost& host;
  http::ResponseStream& stream;
  /// The request's method is HEAD: answers have no body.
  bool head = false;
  /// The client waits for a 100 before it sends the body (or says so).
  bool expectContinue = false;
  /// No body will come before an answer: an h1 client that waits, or a request nobody could parse.
  bool answerEarly = false;
};

class Exchange : public http::Receiver, public event::DeferredDeletable {
 public:
  explicit Exchange(const ExchangeContext& context);

  /// Called once, when the exchange is known to its host.
  virtual void start() {}

  void onData(Slice data) override;
  void onTrailers(http::HeaderList&& trailers) override {}
  void onEnd() override;
  void onBodySent(size_t n) override {}
  void onClosed() override;
  void onReset(http::ResetReason reason, std::string_view detail) override;

 protected:
  /// Body bytes taken and thrown away once the answer is known. Many clients do not look for an answer before
  /// they have sent everything, so it waits for the end of the body, or for this many bytes; after as many
  /// again the client is cut off.
  static constexpr uint64_t kDiscardLimit = 16 * 1024 * 1024;

  /// Null once the stream is gone.
  http::ResponseStream* stream() { return stream_; }
  bool isHead() const { return head_; }
  bool ioBusy() const { return io_.busy(); }

  /// Runs `work` on the pool; then `done` on the loop, unless the stream went away meanwhile.
  void runIo(std::function<void()> work, std::function<void()> done);
  void reply(int status, http::HeaderList headers, std::string_view contentType, std::string_view body);
  void replyProblem(Problem problem, http::HeaderList headers = {});
  /// Sends the 100 the client waits for, if it does.
  void sendContinue();
  void resetStream(http::ResetReason reason);
  /// The stream is gone and no work runs. True if it started more work (runIo).
  virtual bool cleanUp() { return false; }

 private:
  struct DelayedProblem {
    Problem problem;
    http::HeaderList headers;
  };

  void sendDelayed();
  void settle();

  ExchangeHost& host_;
  http::ResponseStream* stream_;
  bool head_;
  bool expectContinue_;
  bool answerEarly_;
  bool requestEnded_ = false;
  bool released_ = false;
  std::optional<DelayedProblem> delayed_;
  uint64_t discarded_ = 0;
  tools::IoSlot io_;
};

}  // namespace peerpulse::storage_node
