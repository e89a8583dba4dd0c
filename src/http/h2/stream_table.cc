// Session: its streams, from their entry into the table to their last notification; and what receivers are told.
#include <memory>
#include <string>
#include <utility>

#include "peerpulse/base/assert.h"
#include "session.h"

namespace peerpulse::http::h2 {

void Session::moveTo(H2Stream& stream, Hold next) {
  --counts_[static_cast<size_t>(stream.hold.now())];
  stream.hold.to(next);
  ++counts_[static_cast<size_t>(next)];
}

H2Stream& Session::adopt(std::unique_ptr<H2Stream> stream) {
  H2Stream& added = *stream;
  added.slot = streams_.size();
  ++counts_[static_cast<size_t>(added.hold.now())];
  streams_.push_back(std::move(stream));
  if (added.id != 0) nghttp2_session_set_stream_user_data(session_, added.id, &added);
  return added;
}

std::unique_ptr<H2Stream> Session::remove(H2Stream& stream) {
  --counts_[static_cast<size_t>(stream.hold.now())];
  headRoom_.giveBack(stream.headExcess);
  std::swap(streams_[stream.slot], streams_.back());
  streams_[stream.slot]->slot = stream.slot;
  std::unique_ptr<H2Stream> removed = std::move(streams_.back());
  streams_.pop_back();
  return removed;
}

void Session::closeStream(H2Stream& stream, ResetReason reason, std::string text) {
  const bool forsaken = stream.hold.is(Hold::kParting, Hold::kForsaken, Hold::kLeft);
  letGo(stream);
  moveTo(stream, forsaken ? Hold::kOver : Hold::kAborting);
  Notification& last = queue(forsaken ? Notification::Kind::kGone : Notification::Kind::kReset, &stream);
  last.reason = reason;
  if (!forsaken && !text.empty()) last.text = std::make_unique<std::string>(std::move(text));
}

void Session::closeInOrder(H2Stream& stream) {
  const bool forsaken = stream.hold.is(Hold::kParting, Hold::kForsaken, Hold::kLeft);
  letGo(stream);
  moveTo(stream, forsaken ? Hold::kOver : Hold::kClosing);
  queue(forsaken ? Notification::Kind::kGone : Notification::Kind::kClosed, &stream);
}

void Session::forget(H2Stream& stream) {
  PP_ASSERT(stream.id == 0);
  stream.receiver = nullptr;
  moveTo(stream, Hold::kOver);
  queue(Notification::Kind::kGone, &stream);
  noteCapacity();
  outputReady();
}

void Session::letGo(H2Stream& stream) {
  if (stream.id != 0) nghttp2_session_set_stream_user_data(session_, stream.id, nullptr);
  if (blockOf_ == &stream) blockOf_ = nullptr;
  if (stream.smallCut.is(SmallCut::kAwaited)) changeSmallCut(stream, SmallCut::kNever);
  noteCapacity();
}

// --- field sections -------------------------------------------------------------------------------------

void Session::beginBlock(H2Stream* stream) {
  blockOf_ = stream;
  if (stream == nullptr) return;
  if (!block_ && !spare_.empty()) {
    block_ = std::move(spare_.back());
    spare_.pop_back();
  } else if (!block_) {
    block_ = std::make_unique<HeaderBlock>(limits_);
  }
  const HeaderBudget before = stream->incoming.is(Incoming::kHead) ? HeaderBudget() : stream->budget;
  blockBegan_ = before.size;
  block_->restart(before);
}

void Session::queueBlock(Notification::Kind kind, H2Stream& stream) {
  if (!block_->tooLarge()) {
    const size_t excess = blockExcess();
    stream.headExcess += excess;
    headRoom_.hold(excess);
  }
  queue(kind, &stream).block = std::move(block_);
  blockOf_ = nullptr;
}

void Session::keep(std::unique_ptr<HeaderBlock> block) {
  constexpr size_t kMaxSpare = 8;
  if (spare_.size() < kMaxSpare) spare_.push_back(std::move(block));
}

// --- receivers ------------------------------------------------------------------------------------------

void Session::flush() {
  if (flushing_) return;  // the outer flush goes on
  flushing_ = true;
  while (!notifications_.empty() || capacityChanged_) {
    if (notifications_.empty()) {
      capacityChanged_ = false;
      deliverCapacity();
      continue;
    }
    Notification notification = notifications_.pop();
    deliver(notification);
  }
  flushing_ = false;
}

void Session::deliver(Notification& notification) {
  using Kind = Notification::Kind;
  if (notification.stream == nullptr) {
    deliverConnection(notification);
    return;
  }
  H2Stream& stream = *notification.stream;
  switch (notification.kind) {
    case Kind::kHead:
    case Kind::kInformational:
      if (!stream.hold.is(Hold::kParting, Hold::kForsaken, Hold::kLeft, Hold::kOver)) {
        deliverHead(stream, *notification.block, notification.kind == Kind::kInformational);
      }
      break;
    case Kind::kClosed:
    case Kind::kReset:
    case Kind::kGone: deliverLast(notification); return;
    default:
      if (stream.receiver != nullptr) deliverToReceiver(*stream.receiver, notification);
  }
  if (notification.block) keep(std::move(notification.block));
}

void Session::deliverToReceiver(Receiver& receiver, Notification& notification) {
  H2Stream& stream = *notification.stream;
  switch (notification.kind) {
    case Notification::Kind::kData:
      stream.unconsumed += notification.data.size();
      receiver.onData(std::move(notification.data));
      break;
    case Notification::Kind::kTrailers: receiver.onTrailers(notification.block->takeTrailers()); break;
    case Notification::Kind::kEnd: receiver.onEnd(); break;
    case Notification::Kind::kBodySent: receiver.onBodySent(std::exchange(stream.sentUnreported, 0)); break;
    default: break;
  }
}

void Session::deliverLast(const Notification& notification) {
  H2Stream& stream = *notification.stream;
  if (!stream.hold.is(Hold::kOver)) moveTo(stream, Hold::kOver);
  const std::unique_ptr<H2Stream> gone = remove(stream);  // lives until its user was told
  Receiver* receiver = std::exchange(stream.receiver, nullptr);
  if (receiver == nullptr) return;
  if (notification.kind == Notification::Kind::kClosed) {
    receiver->onClosed();
  } else {
    receiver->onReset(notification.reason, notification.textView());
  }
}

}  // namespace peerpulse::http::h2
