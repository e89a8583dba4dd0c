// Users of codecs that do always the same and write down what they are told: what is said must not depend on how the bytes
// were cut. (Users who do anything at any time are those of ../unit/http/erratic.h.)
//
// Threading: one thread. Ownership: a user keeps its exchanges until it goes; streams are the codec's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "check.h"
#include "peerpulse/http/codec.h"

namespace peerpulse::fuzz {

inline void write(std::string& log, const http::HeaderList& fields) {
  for (size_t i = 0; i < fields.count(); ++i) {
    const http::HeaderField field = fields.at(i);
    log.append("|").append(field.name).append(":").append(field.value);
  }
}

/// What both sides are told.
template <class Interface>
class Listening : public Interface {
 public:
  void onData(Slice data) override {
    FUZZ_CHECK(!ended_ && !over_, "no data behind the end");
    FUZZ_CHECK(!data.empty(), "no empty data");
    received_ += data.size();
    body_.append(data.view());
    stream().consumed(data.size());
  }
  void onTrailers(http::HeaderList&& trailers) override {
    FUZZ_CHECK(!ended_ && !over_, "no trailers behind the end");
    log_ += " trailers";
    write(log_, trailers);
  }
  void onEnd() override {
    FUZZ_CHECK(!ended_ && !over_, "one end");
    ended_ = true;
    log_ += " end";
    atEnd();
  }
  void onBodySent(size_t n) override { FUZZ_CHECK(n > 0, "sent means something"); }
  void onClosed() override { finish(" closed"); }
  void onReset(http::ResetReason reason, std::string_view) override {
    finish(std::string(" reset:") + toString(reason));
  }

  bool over() const { return over_; }
  size_t received() const { return received_; }
  std::string text() const { return log_ + " <" + body_ + ">"; }
  /// It begins so, and its body with the first bytes of `body`.
  bool is(std::string_view begin, std::string_view body) const {
    return std::string_view(log_).substr(0, begin.size()) == begin && body.substr(0, body_.size()) == body_;
  }

 protected:
  virtual http::Stream& stream() = 0;
  virtual void atEnd() {}
  std::string log_;

 private:
  void finish(const std::string& how) {
    FUZZ_CHECK(!over_, "one last word");
    over_ = true;
    log_ += how;
  }
  std::string body_;
  size_t received_ = 0;
  bool ended_ = false;
  bool over_ = false;
};

/// A server that answers each request when it is complete, or at its head.
class SteadyServer final : public http::ServerCodecOwner {
 public:
  enum class Answer : uint8_t { kSized, kChunked, kEarly, kNone };
  class Exchange final : public Listening<http::Receiver> {
   public:
    Exchange(http::ResponseStream& stream, Answer answer) : answering_(stream), answer_(answer) {}
    void begin(const http::RequestHead& head) {
      log_ = head.method + " " + head.path + " @" + head.authority + " ^" + head.upgrade;
      log_ += head.complete ? " complete" : "";
      write(log_, head.headers);
      if (answer_ == Answer::kEarly) respond(404);
    }
    void refuse(int status, std::string_view detail) {
      FUZZ_CHECK(status >= 400 && status < 600, "a refusal is an error");
      FUZZ_CHECK(!detail.empty(), "a refusal says why");
      log_ = "bad " + std::to_string(status);
      respond(status);
    }

   private:
    http::Stream& stream() override { return answering_; }
    void atEnd() override {
      if (!answered_ && answer_ != Answer::kNone) respond(200);
    }
    void respond(int status) {
      answered_ = true;
      http::ResponseHead head;
      head.status = status;
      if (answer_ == Answer::kChunked) {
        answering_.sendHeaders(head, false);
        if (over()) return;
        answering_.sendData(Slice::copyOf("hello"));
        http::HeaderList trailers;
        trailers.add("x-sum", "1");
        answering_.sendEnd(trailers);
        return;
      }
      head.headers.add("content-length", "0");
      head.contentLength = 0;
      answering_.sendHeaders(head, true);
    }
    http::ResponseStream& answering_;
    const Answer answer_;
    bool answered_ = false;
  };

  explicit SteadyServer(Answer answer) : answer_(answer) {}
  void onOutputReady() override {
    if (whenOutput) whenOutput();
  }
  http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override {
    Exchange& exchange = add(stream);
    heads.push_back(head);
    exchange.begin(head);
    return &exchange;
  }
  http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) override {
    Exchange& exchange = add(stream);
    exchange.refuse(status, detail);
    return &exchange;
  }

  std::vector<http::RequestHead> heads;
  std::vector<std::unique_ptr<Exchange>> exchanges;
  std::function<void()> whenOutput;

 private:
  Exchange& add(http::ResponseStream& stream) {
    exchanges.push_back(std::make_unique<Exchange>(stream, answer_));
    return *exchanges.back();
  }
  const Answer answer_;
};

/// A client that has sent its requests and listens.
class SteadyClient final : public http::ClientCodecOwner {
 public:
  class Exchange final : public Listening<http::ResponseReceiver> {
   public:
    void send(http::ClientCodec& codec, const http::RequestHead& head, bool end) {
      request_ = &codec.openStream(*this);
      request_->sendHeaders(head, end);
    }
    void onInformational(http::ResponseHead&& head) override {
      FUZZ_CHECK(head.status >= 100 && head.status < 200 && head.status != 101, "an informational status");
      log_ += " " + std::to_string(head.status);
      write(log_, head.headers);
    }
    void onHeaders(http::ResponseHead&& head) override {
      FUZZ_CHECK(heads.empty(), "one final head");
      FUZZ_CHECK(head.status == 101 || (head.status >= 200 && head.status <= 999), "a final status");
      log_ += " " + std::to_string(head.status) + (head.complete ? " complete" : "");
      write(log_, head.headers);
      heads.push_back(std::move(head));
    }
    std::vector<http::ResponseHead> heads;  ///< one at most

   private:
    http::Stream& stream() override { return *request_; }
    http::RequestStream* request_ = nullptr;
  };

  void onOutputReady() override {}
  void onCapacityChanged() override {}
  void onGoAway(uint32_t, std::string_view) override {}
  void onPingAck(uint64_t) override {}
  /// Requires that the codec takes one.
  void send(http::ClientCodec& codec, const http::RequestHead& head, bool end) {
    exchanges.push_back(std::make_unique<Exchange>());
    exchanges.back()->send(codec, head, end);
  }

  std::vector<std::unique_ptr<Exchange>> exchanges;
};

// Of all exchanges of either side's users.

template <class Users>
bool allOver(const Users& users) {
  for (const auto& exchange : users.exchanges)
    if (!exchange->over()) return false;
  return true;
}

template <class Users>
size_t receivedBy(const Users& users) {
  size_t all = 0;
  for (const auto& exchange : users.exchanges)
    all += exchange->received();
  return all;
}

template <class Users>
std::string toldTo(const Users& users) {
  std::string all;
  for (const auto& exchange : users.exchanges)
    all += exchange->text() + "\n";
  return all;
}

/// All that `codec` has to say for now.
inline std::string output(http::Codec& codec) {
  Buffer out;
  size_t before = 0;
  do {
    before = out.size();
    codec.produce(out, SIZE_MAX);
  } while (out.size() > before);
  return out.toString();
}

/// The end of a codec whose users are `users`: nobody is left behind.
template <class Users>
void checkEnd(http::Codec& codec, const Users& users) {
  codec.connectionLost("the end");
  FUZZ_CHECK(allOver(users), "every exchange has its last word");
  FUZZ_CHECK(codec.activeStreams() == 0, "no stream is left behind");
  FUZZ_CHECK(codec.finished(), "a lost connection is over");
  FUZZ_CHECK(output(codec).empty(), "nothing is said on a lost connection");
}

}  // namespace peerpulse::fuzz
