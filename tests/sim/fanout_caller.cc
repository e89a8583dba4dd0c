#include "fanout_caller.h"

#include <algorithm>
#include <list>
#include <numeric>
#include <string>
#include <utility>

#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::sim {

namespace {

constexpr Duration kTryAgain = milliseconds(50);
constexpr size_t kInFlight = 64 * 1024;  // of a body, given to the codec and not gone
constexpr size_t kSlowPiece = 4 * 1024;
constexpr uint64_t kMegabyte = uint64_t{1024} * 1024;

/// What is asked for, before there is an entry for it.
struct Question {
  Asked asked{};
  std::vector<uint32_t> targets;
  bool named = false;  ///< the targets are; else they are all
  uint32_t required = 0;
  bool majority = false;
  uint64_t body = 0;
  bool sized = true;
  uint64_t answer = 0;
  std::optional<Duration> deadline;
};

uint64_t drawBody(Random& random, const FanoutSetup& setup) {
  if (random.percent(setup.large)) return kMegabyte + random.below(3 * static_cast<uint32_t>(kMegabyte));
  const uint32_t draw = random.below(100);
  if (draw < 15) return 0;
  if (draw < 70) return 1 + random.below(8 * 1024);
  // About the limit, on either side of it.
  return 1 + random.below(static_cast<uint32_t>(2 * setup.options.replayLimit));
}

void drawTargets(Random& random, uint32_t peers, Question& question) {
  question.targets.resize(peers);
  std::iota(question.targets.begin(), question.targets.end(), 0u);
  question.named = random.percent(40);
  if (!question.named) return;
  for (uint32_t i = peers; i > 1; --i)
    std::swap(question.targets[i - 1], question.targets[random.below(i)]);
  question.targets.resize(1 + random.below(peers));
}

void drawQuorum(Random& random, uint32_t peers, Question& question) {
  const auto targets = static_cast<uint32_t>(question.targets.size());
  const uint32_t majority = (peers + 1) / 2 + 1;
  question.majority = majority <= targets && random.percent(50);
  question.required = question.majority ? majority : 1 + random.below(targets);
}

void drawDisks(Random& random, const fanout::ErasureSet& set, Question& question) {
  question.targets = {random.below(static_cast<uint32_t>(set.disks.size()))};
  for (size_t i = 0; i < set.spares.size(); ++i)
    question.targets.push_back(static_cast<uint32_t>(set.disks.size() + i));
}

Question drawQuestion(Random& random, const FanoutSetup& setup, uint32_t peers) {
  Question question;
  question.asked = static_cast<Asked>(random.below(kAsked));
  if (question.asked == Asked::kErasure) {
    drawDisks(random, setup.options.erasureSets.front(), question);
  } else {
    drawTargets(random, peers, question);
  }
  if (question.asked == Asked::kQuorum) drawQuorum(random, peers, question);
  const bool aggregate = question.asked == Asked::kAggregate;
  if (!aggregate || random.percent(10)) question.body = drawBody(random, setup);
  question.sized = random.percent(70);
  // Long ones cost the simulation more than all the rest.
  question.answer = random.percent(5) ? random.below(20'000) : random.below(aggregate ? 1'500 : 200);
  if (random.percent(setup.timed)) question.deadline = random.spread(milliseconds(10), seconds(6));
  return question;
}

}  // namespace

class FanoutCaller::Connection final : public event::DeferredDeletable,
                                       public wire::CodecConnectionOwner,
                                       public http::ClientCodecOwner {
 public:
  explicit Connection(FanoutCaller& caller);
  ~Connection() override;

  void stop();
  /// RST. What is on it has left.
  void cutOff();
  bool leaving() const { return leaving_; }
  void remove(Operation& operation);
  FanoutCaller& caller() { return caller_; }
  http::ClientCodec& codec() { return *codec_; }
  bool http2() const { return http2_; }
  void outputReady() { wire_.outputReady(); }

 private:
  void onReady() override { ready_ = true; }
  void onSettled() override { ask(); }
  void onEnded(const wire::End& end) override;
  void onOutputReady() override { wire_.outputReady(); }
  void onCapacityChanged() override { wire_.outputReady(); }
  void onGoAway(uint32_t, std::string_view) override { left_ = 0; }
  void onPingAck(uint64_t) override {}

  std::unique_ptr<http::ClientCodec> makeCodec();
  void ask();

  FanoutCaller& caller_;
  const bool http2_;
  uint32_t left_;
  uint32_t concurrency_;
  const bool rude_;  // its operations' callers may go by cutting it off, so none of them is honest
  bool ready_ = false, thinking_ = false, asking_ = false, leaving_ = false;
  std::unique_ptr<event::Timer> timer_;
  std::list<std::unique_ptr<Operation>> operations_;
  http::ClientCodec* codec_ = nullptr;
  wire::CodecConnection wire_;  // last: its codec's streams refer to the operations

  friend class Operation;
};

class FanoutCaller::Operation final : public event::DeferredDeletable, public http::ResponseReceiver {
 public:
  Operation(Connection& connection, Question question);

  std::list<std::unique_ptr<Operation>>::iterator self;
  void begin();

 private:
  void onInformational(http::ResponseHead&&) override {}
  void onHeaders(http::ResponseHead&& head) override { answer_ = std::move(head); }
  void onData(Slice data) override;
  void onTrailers(http::HeaderList&&) override {}
  void onEnd() override;
  void onBodySent(size_t n) override;
  void onClosed() override;
  void onReset(http::ResetReason reason, std::string_view detail) override;

  void drawHabits();
  http::RequestHead makeHead() const;
  void write();
  void writePiece();
  void leave();
  void over();
  TimePoint now() const { return caller_.host_.loop.now(); }

  Connection& connection_;
  FanoutCaller& caller_;
  const Question question_;
  OperationEntry* entry_ = nullptr;
  http::RequestStream* stream_ = nullptr;
  http::ResponseHead answer_;
  std::string text_;
  uint64_t written_ = 0, gone_ = 0;
  Duration pace_{};  // zero: at once
  bool stops_ = false, reads_ = true, complete_ = false, bodyEnded_ = false;
  std::unique_ptr<event::Timer> writeTimer_, leaveTimer_;
};

// --- the caller --------------------------------------------------------------------------------------------------

FanoutCaller::FanoutCaller(ClientHost& host, OperationLedger& operations, const SocketAddress& api,
                           const FanoutSetup& setup, uint32_t peers, Random random)
    : host_(host),
      operations_(operations),
      api_(api),
      setup_(setup),
      peers_(peers),
      random_(random),
      timer_(host.loop.createTimer([this] { next(); })) {
  timer_->enable(random_.between(Duration::zero(), setup_.think));
}

FanoutCaller::~FanoutCaller() = default;

void FanoutCaller::next() {
  if (!stopped_ && idle()) connection_ = std::make_unique<Connection>(*this);
}

void FanoutCaller::connectionOver() {
  host_.loop.deferredDelete(std::move(connection_));
  if (!stopped_) timer_->enable(kTryAgain);
}

void FanoutCaller::stop() {
  stopped_ = true;
  timer_->disable();
  if (connection_) connection_->stop();
}

void FanoutCaller::cutOff() {
  if (connection_) connection_->cutOff();
}

// --- its connection ----------------------------------------------------------------------------------------------

FanoutCaller::Connection::Connection(FanoutCaller& caller)
    : caller_(caller),
      http2_(caller.random_.percent(60)),
      left_(1 + caller.random_.below(24)),
      concurrency_(http2_ ? 1 + caller.random_.below(8) : 1),
      rude_(caller.setup_.leaves > 0 && caller.random_.percent(30)),
      timer_(caller.host_.loop.createTimer([this] {
        thinking_ = false;
        ask();
      })),
      wire_(caller.host_.io, caller.api_, {}, makeCodec(), *this) {}

FanoutCaller::Connection::~Connection() = default;

std::unique_ptr<http::ClientCodec> FanoutCaller::Connection::makeCodec() {
  auto codec = http2_ ? http::createH2ClientCodec(*this, {}) : http::createH1ClientCodec(*this, {});
  codec_ = codec.get();
  return codec;
}

void FanoutCaller::Connection::ask() {
  if (!ready_ || thinking_ || asking_ || wire_.ended()) return;
  asking_ = true;
  while (left_ > 0 && operations_.size() < concurrency_ && codec_->canOpenStream()) {
    --left_;
    operations_.push_front(
        std::make_unique<Operation>(*this, drawQuestion(caller_.random_, caller_.setup_, caller_.peers_)));
    Operation& operation = *operations_.front();
    operation.self = operations_.begin();
    operation.begin();
  }
  asking_ = false;
  if (operations_.empty()) wire_.close("done");
}

void FanoutCaller::Connection::remove(Operation& operation) {
  const auto node = operation.self;
  caller_.host_.loop.deferredDelete(std::move(*node));
  operations_.erase(node);
  if (wire_.ended()) return;
  if (left_ > 0) {
    thinking_ = true;
    timer_->enable(caller_.random_.between(Duration::zero(), 2 * caller_.setup_.think));
  }
  wire_.outputReady();  // onSettled() goes on
}

void FanoutCaller::Connection::stop() {
  left_ = 0;
  if (operations_.empty()) wire_.close("stopped");
}

void FanoutCaller::Connection::cutOff() {
  leaving_ = true;
  wire_.abort("cut off");
}

void FanoutCaller::Connection::onEnded(const wire::End&) {
  timer_.reset();
  caller_.connectionOver();
}

// --- its operations ----------------------------------------------------------------------------------------------

FanoutCaller::Operation::Operation(Connection& connection, Question question)
    : connection_(connection), caller_(connection.caller()), question_(std::move(question)) {}

http::RequestHead FanoutCaller::Operation::makeHead() const {
  http::RequestHead head;
  head.method = question_.asked == Asked::kAggregate ? "GET" : question_.asked == Asked::kErasure ? "PUT" : "POST";
  head.path = std::string("/") + toString(question_.asked);
  if (question_.asked == Asked::kErasure) head.path += "/set0/" + std::to_string(question_.targets.front());
  head.path += "/object?x=1";
  head.authority = "localhost";
  head.headers.add(kIdField, std::to_string(entry_->id));
  if (question_.named) {
    std::string names;
    for (const uint32_t peer : question_.targets)
      names += (names.empty() ? "node" : ", node") + std::to_string(peer + 2);
    head.headers.add("peerpulse-peers", names);
  }
  if (question_.asked == Asked::kQuorum && !question_.majority)
    head.headers.add("peerpulse-quorum", std::to_string(question_.required));
  if (question_.deadline)
    head.headers.add("peerpulse-timeout", std::to_string(*question_.deadline / microseconds(1)) + "us");
  head.complete = question_.body == 0;
  if (!head.complete && question_.sized) {
    head.contentLength = question_.body;
    head.headers.add("content-length", std::to_string(question_.body));
  }
  return head;
}

// Whoever waits for his deadline or for the answer's end with his body would wait for ever: he goes some time.
void FanoutCaller::Operation::drawHabits() {
  Random& random = caller_.random_;
  const FanoutSetup& setup = caller_.setup_;
  const bool leaves = random.percent(setup.leaves);
  entry_->honest = !leaves && !connection_.rude_;
  if (random.percent(setup.paced)) {
    entry_->paced = true;
    pace_ = random.spread(microseconds(200), milliseconds(20));
    stops_ = leaves && random.percent(30);
  }
  if (!leaves) return;
  reads_ = !random.percent(20);
  leaveTimer_ = caller_.host_.loop.createTimer([this] { leave(); });
  leaveTimer_->enable(random.spread(microseconds(200), seconds(3)));
}

void FanoutCaller::Operation::begin() {
  entry_ = &caller_.operations_.open(question_.asked, question_.targets, question_.body, question_.answer, now());
  entry_->required = question_.required;
  entry_->deadline = question_.deadline;
  if (question_.body == 0) entry_->bodyWhole = now();
  drawHabits();
  stream_ = &connection_.codec().openStream(*this);
  const http::RequestHead head = makeHead();
  bodyEnded_ = head.complete;
  stream_->sendHeaders(head, head.complete);
  connection_.outputReady();
  write();
}

void FanoutCaller::Operation::leave() {
  if (stream_ == nullptr) return;
  if (connection_.rude_ || !connection_.http2()) {
    connection_.cutOff();
    return;
  }
  std::exchange(stream_, nullptr)->reset(http::ResetReason::kCancel);
  if (!complete_) caller_.operations_.ended(*entry_, OperationEnd::kLeft, now());
  over();
}

void FanoutCaller::Operation::write() {
  if (pace_ == Duration::zero()) {
    while (!bodyEnded_ && stream_ != nullptr && written_ - gone_ < kInFlight)
      writePiece();
    return;
  }
  if (bodyEnded_ || stream_ == nullptr || (stops_ && written_ >= question_.body / 2)) return;
  if (written_ - gone_ < kInFlight) writePiece();
  if (!writeTimer_) writeTimer_ = caller_.host_.loop.createTimer([this] { write(); });
  writeTimer_->enable(pace_);
}

void FanoutCaller::Operation::writePiece() {
  const uint64_t piece = pace_ == Duration::zero() ? BodyPattern::kMaxPiece : kSlowPiece;
  const auto n = static_cast<size_t>(std::min<uint64_t>(question_.body - written_, piece));
  written_ += n;
  bodyEnded_ = written_ == question_.body;
  stream_->sendData(caller_.host_.pattern.piece(entry_->id, Direction::kRequest, written_ - n, n));
  if (bodyEnded_ && stream_ != nullptr) stream_->sendEnd();
}

void FanoutCaller::Operation::onBodySent(size_t n) {
  gone_ += n;
  entry_->bodySent += n;
  if (gone_ == question_.body) entry_->bodyWhole = now();
  if (stream_ != nullptr && pace_ == Duration::zero()) write();
}

void FanoutCaller::Operation::onData(Slice data) {
  if (stream_ == nullptr) return;
  text_ += data.view();
  if (reads_) stream_->consumed(data.size());
}

// An answer that is complete stays so, whatever becomes of the request's rest.
void FanoutCaller::Operation::onEnd() {
  complete_ = true;
  caller_.operations_.answered(*entry_, answer_, text_, now());
}

void FanoutCaller::Operation::onClosed() {
  stream_ = nullptr;
  over();
}

void FanoutCaller::Operation::onReset(http::ResetReason, std::string_view) {
  stream_ = nullptr;
  const OperationEnd how = connection_.leaving() ? OperationEnd::kLeft : OperationEnd::kBroken;
  if (!complete_) caller_.operations_.ended(*entry_, how, now());
  over();
}

void FanoutCaller::Operation::over() {
  writeTimer_.reset();
  if (leaveTimer_) leaveTimer_->disable();
  connection_.remove(*this);
}

}  // namespace peerpulse::sim
