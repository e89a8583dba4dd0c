// Users of codecs that do whatever the interface allows, at random but seeded, and check what the codecs owe
// them: one end per stream, nothing after it, no end of a message twice. They know nothing of the bytes, so they
// may be put between any two inputs, however broken.
//
// Threading: one thread. Ownership: an owner keeps its actors until it goes; streams stay the codec's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "peerpulse/http/codec.h"

namespace peerpulse::http::test {

/// xorshift64*: the same numbers everywhere.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 2685821657736338717U + 88172645463325252U) {}
  /// 0 .. sides - 1
  uint32_t roll(uint32_t sides) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<uint32_t>((state_ * 2685821657736338717U) >> 33) % sides;
  }

 private:
  uint64_t state_;
};

/// One stream's user.
class Actor : public ResponseReceiver {
 public:
  Actor(Dice& dice, std::function<void()> watch) : dice_(dice), watch_(std::move(watch)) {}

  /// Calls the stream in some way that its state allows.
  void act() {
    if (stream_ == nullptr || dice_.roll(3) == 0) return;
    if (unconsumed_ > 0 && dice_.roll(2) == 0) stream_->consumed(std::exchange(unconsumed_, 0));
    if (dice_.roll(40) == 0) {
      reset();
    } else if (!headSent_) {
      sendHead();
    } else if (!ended_) {
      sendBody();
    }
    watch_();
  }
  bool gone() const { return stream_ == nullptr; }

  void onInformational(ResponseHead&&) override { called(); }
  void onHeaders(ResponseHead&& head) override {
    CHECK_FALSE(gotHead_);
    gotHead_ = true;
    if (head.status == 101) becomeTunnel();
    called();
  }
  void onData(Slice data) override {
    CHECK_FALSE(data.empty());
    CHECK_FALSE(incomingEnded_);
    unconsumed_ += data.size();
    called();
  }
  void onTrailers(HeaderList&&) override {
    CHECK_FALSE(incomingEnded_);
    called();
  }
  void onBodyEnd() override {
    CHECK_FALSE(incomingEnded_);
    called();
  }
  void onEnd() override {
    CHECK_FALSE(incomingEnded_);
    incomingEnded_ = true;
    called();
  }
  void onBodySent(size_t n) override {
    CHECK(n > 0);
    called();
  }
  void onClosed() override { finish(); }
  void onReset(ResetReason, std::string_view) override { finish(); }

 protected:
  virtual void sendHead() = 0;
  void becomeTunnel() {
    incomingEnded_ = false;
    ended_ = false;
  }
  void begin(Stream& stream) { stream_ = &stream; }
  void headSent(bool end) {
    headSent_ = true;
    ended_ = end;
  }
  Dice& dice() { return dice_; }

 private:
  void called() {
    REQUIRE(stream_ != nullptr);
    watch_();
    act();
  }
  void finish() {
    REQUIRE(stream_ != nullptr);
    watch_();
    stream_ = nullptr;
  }
  void reset() {
    Stream* stream = std::exchange(stream_, nullptr);
    stream->reset(static_cast<ResetReason>(dice_.roll(8)));
  }
  void sendBody() {
    switch (dice_.roll(4)) {
      case 0: stream_->sendData(Slice::copyOf(std::string(1 + dice_.roll(3000), 'd'))); break;
      case 1: stream_->sendData(Slice()); break;
      default: {
        HeaderList trailers;
        if (dice_.roll(2) == 0) trailers.add("x-sum", "1");
        ended_ = true;
        stream_->sendEnd(trailers);
      }
    }
  }

  Dice& dice_;
  std::function<void()> watch_;
  Stream* stream_ = nullptr;
  bool headSent_ = false;
  bool ended_ = false;
  bool gotHead_ = false;
  bool incomingEnded_ = false;
  size_t unconsumed_ = 0;
};

class ServerActor final : public Actor {
 public:
  ServerActor(Dice& dice, std::function<void()> watch, ResponseStream& stream, bool upgrade)
      : Actor(dice, std::move(watch)), answer_(stream), upgrade_(upgrade) {
    begin(stream);
  }

 protected:
  void sendHead() override {
    ResponseHead head;
    switch (dice().roll(upgrade_ ? 9 : 6)) {
      case 0:
        head.status = 100 + 3 * static_cast<int>(dice().roll(2));
        answer_.sendInformational(head);
        return;
      case 1: head.status = 404; break;
      case 2: head.status = 204; break;
      case 3:
        head.status = 200;
        head.headers.add("content-length", "1000");
        break;
      case 4:
      case 5: head.status = 200; break;
      default:
        head.status = 101;
        head.upgrade = "websocket";
        headSent(false);
        becomeTunnel();
        answer_.sendHeaders(head, false);
        return;
    }
    const bool end = dice().roll(3) == 0;
    headSent(end);
    answer_.sendHeaders(head, end);
  }

 private:
  ResponseStream& answer_;
  const bool upgrade_;
};

class ErraticServer final : public ServerCodecOwner {
 public:
  explicit ErraticServer(uint64_t seed) : dice_(seed) {}
  /// Runs inside every callback and after every action.
  std::function<void()> watch = [] {};

  void onOutputReady() override {}
  Receiver* onRequest(ResponseStream& stream, RequestHead&& head) override {
    return add(stream, !head.upgrade.empty());
  }
  Receiver* onBadRequest(ResponseStream& stream, int status, std::string_view) override {
    CHECK(status >= 400);
    return add(stream, false);
  }
  void act() {
    for (size_t i = 0; i < actors_.size(); ++i)
      actors_[i]->act();
  }
  bool allGone() const {
    for (const auto& actor : actors_) {
      if (!actor->gone()) return false;
    }
    return true;
  }
  Dice& dice() { return dice_; }

 private:
  Receiver* add(ResponseStream& stream, bool upgrade) {
    watch();
    actors_.push_back(std::make_unique<ServerActor>(
        dice_, [this] { watch(); }, stream, upgrade));
    Actor* actor = actors_.back().get();
    if (dice_.roll(2) == 0) actor->act();  // before the owner has even returned
    return actor;
  }
  Dice dice_;
  std::vector<std::unique_ptr<Actor>> actors_;
};

class ClientActor final : public Actor {
 public:
  using Actor::Actor;
  void open(ClientCodec& codec) {
    request_ = &codec.openStream(*this);
    begin(*request_);
  }

 protected:
  void sendHead() override {
    RequestHead head;
    head.authority = "a";
    head.path = "/";
    const bool body = dice().roll(2) == 0;
    head.method = body ? "PUT" : dice().roll(4) == 0 ? "HEAD" : "GET";
    if (dice().roll(2) == 0) head.upgrade = "websocket";
    if (body && dice().roll(3) == 0) head.headers.add("content-length", "1000");
    headSent(!body);
    request_->sendHeaders(head, !body);
  }

 private:
  RequestStream* request_ = nullptr;
};

class ErraticClient final : public ClientCodecOwner {
 public:
  explicit ErraticClient(uint64_t seed) : dice_(seed) {}
  std::function<void()> watch = [] {};

  void onOutputReady() override {}
  void onCapacityChanged() override { watch(); }
  void onGoAway(uint32_t, std::string_view) override {}
  void onPingAck(uint64_t) override {}
  void open(ClientCodec& codec) {
    if (!codec.canOpenStream()) return;
    actors_.push_back(std::make_unique<ClientActor>(dice_, [this] { watch(); }));
    actors_.back()->open(codec);
    watch();
  }
  void act() {
    for (size_t i = 0; i < actors_.size(); ++i)
      actors_[i]->act();
  }
  bool allGone() const {
    for (const auto& actor : actors_) {
      if (!actor->gone()) return false;
    }
    return true;
  }
  Dice& dice() { return dice_; }

 private:
  Dice dice_;
  std::vector<std::unique_ptr<ClientActor>> actors_;
};

/// `text` with one byte lost, doubled, changed or inserted at `at`, or unchanged.
inline std::string mutated(std::string text, size_t at, Dice& dice) {
  static constexpr char kOdd[] = {'\0', '\t', '\n', '\r', ' ', ',', ':', ';', '0', '9', 'a', '\x7f', '\x80', '\xff'};
  const char odd = kOdd[dice.roll(sizeof(kOdd))];
  switch (dice.roll(7)) {
    case 0: text.erase(at, 1 + dice.roll(3)); break;
    case 1: text.insert(at, 1, text[at]); break;
    case 2: text[at] = odd; break;
    case 3: text.insert(at, 1, odd); break;
    case 4: text[at] = static_cast<char>(text[at] ^ (1 << dice.roll(8))); break;
    case 5: text.insert(at, text.substr(0, 1 + dice.roll(60))); break;
    default: break;
  }
  return text;
}

/// Each byte boundary of `input`, `rounds` times.
template <class Once>
void everyByte(const std::string& input, int rounds, Once once) {
  for (size_t cut = 0; cut < input.size(); ++cut) {
    for (int round = 0; round < rounds; ++round)
      once(cut, cut * 131 + static_cast<uint64_t>(round) * 7919 + input.size());
  }
}

/// What a connection does with its codec in between, also at random; then the end.
template <class Owner>
class Drive {
 public:
  Drive(Codec& codec, Owner& owner) : codec_(codec), owner_(owner) {}

  /// False: the codec refused the bytes.
  bool feed(std::string_view bytes) {
    if (bytes.empty() || !codec_.wantsRead()) return true;
    const bool ok = static_cast<bool>(codec_.receive(Slice::copyOf(bytes)));
    between();
    return ok;
  }
  void between() {
    owner_.watch();
    owner_.act();
    const uint32_t what = owner_.dice().roll(60);
    if (what < 40) {
      Buffer out;
      codec_.produce(out, what < 10 ? 1 + what : SIZE_MAX);
    } else if (what == 40) {
      codec_.drain();
    } else if (what == 41) {
      codec_.receiveEof();
    } else if (what == 42) {
      codec_.goAway();
    }
    owner_.watch();
  }
  void end() {
    for (int i = 0; i < 3; ++i)
      between();
    if (owner_.dice().roll(2) == 0) codec_.receiveEof();
    for (int i = 0; i < 3; ++i)
      between();
    codec_.connectionLost("the end");
    owner_.watch();
    CHECK(owner_.allGone());
    CHECK(codec_.activeStreams() == 0);
    CHECK(codec_.finished());
    Buffer out;
    codec_.produce(out, SIZE_MAX);
    CHECK(out.empty());
  }

 private:
  Codec& codec_;
  Owner& owner_;
};

}  // namespace peerpulse::http::test
