#include "peerpulse/wire/codec_connection.h"

#include <algorithm>

#include "peerpulse/base/assert.h"

namespace peerpulse::wire {

namespace {

// What is taken for the end itself although the output is full: GOAWAY stands behind other control frames.
constexpr size_t kLastWords = 64 * 1024;

constexpr size_t kLeastOutput = 16 * 1024;

/// For a client of which nobody knows yet that it reads.
constexpr size_t kFirstOutput = 32 * 1024;
/// The reading of who may be flooding: 20,000 frames a second, a twentieth of a processor. A flood is over (ended) in half a second.
constexpr Duration kPerExcessFrame = microseconds(50);
/// taken() is so exact.
constexpr uint64_t kTakenStep = 16 * 1024;

bool legal(CodecConnection::State from, CodecConnection::State to) {
  using State = CodecConnection::State;
  switch (from) {
    case State::kConnecting: return to != State::kConnecting;
    case State::kChoosing: return to == State::kOpen || to == State::kEnded;
    case State::kOpen: return to == State::kEnded;
    case State::kEnded: return false;
  }
  return false;
}

}  // namespace

std::unique_ptr<http::Codec> CodecConnectionOwner::createCodec(http::Preface) {
  PP_ASSERT(false);  // an owner of accepted connections must create codecs
  return nullptr;
}

CodecConnection::CodecConnection(IoContext& io, std::unique_ptr<net::Transport> transport,
                                 CodecConnectionOwner& owner)
    : io_(io),
      owner_(owner),
      state_(State::kChoosing),
      connection_(net::Connection::accepted(io.scheduler, io.blocks, std::move(transport), *this)),
      serves_(true) {
  if (connection_->connecting()) state_ = State::kConnecting;
}

CodecConnection::CodecConnection(IoContext& io, net::Connector& connector, const net::Destination& to,
                                 const net::SocketOptions& options, std::unique_ptr<http::Codec> codec,
                                 CodecConnectionOwner& owner)
    : io_(io),
      owner_(owner),
      state_(State::kConnecting),
      codec_(std::move(codec)),
      connection_(net::Connection::connectTo(io.scheduler, io.blocks, connector, to, options, *this)),
      serves_(false) {
  connection_->setReadLimit(codec_->readLimit());
}

CodecConnection::~CodecConnection() = default;

void CodecConnection::enter(State to) {
  PP_ASSERT(legal(state_, to));
  state_ = to;
}

// --- reading ---------------------------------------------------------------------------------------------------

void CodecConnection::onReady() {
  if (serves_) {
    enter(State::kChoosing);
    owner_.onReady();
    return;
  }
  enter(State::kOpen);
  sendNow([this] { owner_.onReady(); });
}

void CodecConnection::onRead(Slice data) {
  if (state_ == State::kEnded) return;
  owner_.onHeard();
  if (muted_ || state_ == State::kEnded) return;
  if (state_ == State::kChoosing && !choose(data)) return;
  receive(std::move(data));
}

// False while the first bytes do not tell yet; then `data` is all that came.
bool CodecConnection::choose(Slice& data) {
  const bool whole = first_.empty();
  first_.append(data.view());
  const http::Preface preface = http::detectPreface(first_);
  if (preface == http::Preface::kNeedMore) return false;
  codec_ = owner_.createCodec(preface);
  connection_->setReadLimit(codec_->readLimit());
  enter(State::kOpen);
  if (!whole) data = Slice::copyOf(first_);
  first_ = std::string();
  return true;
}

// What there is to send then waits for onReadDone().
void CodecConnection::receive(Slice data) {
  codecBusy_ = true;
  const Result<void> received = codec_->receive(std::move(data));
  codecBusy_ = false;
  if (state_ == State::kEnded) return;
  if (!received) {
    end({End::Kind::kProtocol, received.error().message, 0}, Leave::kStaged);
    return;
  }
  if (serves_) slowDown(codec_->takeExcessFrames());
  // At once, not at the turn's end: reading on would exceed what may be buffered.
  regulateReading();
}

void CodecConnection::slowDown(size_t excessFrames) {
  suspect_ = excessFrames > 0;
  if (!suspect_) return;
  if (slowed_ == nullptr) slowed_ = io_.scheduler.createTimer([this] { regulateReading(); });
  slowed_->enable(kPerExcessFrame * static_cast<int64_t>(excessFrames));
  owner_.onSlowedDown();
}

void CodecConnection::regulateReading() {
  connection_->setReadLimit(suspect_ ? net::Connection::kMinReadLimit : codec_->readLimit());
  connection_->setReadEnabled(codec_->wantsRead() && (slowed_ == nullptr || !slowed_->enabled()));
}

void CodecConnection::onEof() {
  if (codec_ == nullptr && !muted_) {
    end({End::Kind::kRemoteEnded, "the client closed the connection", 0}, Leave::kInOrder);
    return;
  }
  hearEnd();
  flushNow();
}

void CodecConnection::hearEnd() {
  remoteEnded_ = true;
  if (muted_) return;
  codecBusy_ = true;
  codec_->receiveEof();
  codecBusy_ = false;
  outputReady_ = true;
}

// --- writing ---------------------------------------------------------------------------------------------------

void CodecConnection::outputReady() {
  outputReady_ = true;
  if (state_ == State::kOpen && !muted_ && !codecBusy_) io_.flushQueue.add(*this);
}

void CodecConnection::flushNow() {
  if (state_ != State::kOpen || muted_ || codecBusy_) return;
  pump();
  if (state_ != State::kOpen) return;
  if (codec_->finished() && (resetWhenFinished_ || connection_->output().empty())) {
    finish();
    return;
  }
  if (codec_->outputEnded()) connection_->endOutput();
  if (state_ != State::kOpen) return;
  regulateReading();
  owner_.onSettled();
}

// What waits here counts as sent: where little may wait, it must be little here too; and for a client that has yet to take
// what it asked for little may.
size_t CodecConnection::outputLimit() {
  const size_t most = std::clamp(codec_->bufferLimit() / 2, kLeastOutput, net::Connection::kOutputLimit);
  return serves_ ? std::min<size_t>(most, kFirstOutput + taken()) : most;
}

// Until the codec has no more to say or the kernel takes no more.
void CodecConnection::pump() {
  const size_t limit = outputLimit();
  while (state_ == State::kOpen && connection_->writable()) {
    Buffer& output = connection_->output();
    if (outputReady_ && output.size() < limit) {
      outputReady_ = false;
      codecBusy_ = true;
      codec_->produce(output, limit);
      codecBusy_ = false;
      if (state_ != State::kOpen) return;
      if (output.size() >= limit) outputReady_ = true;  // most likely not all of it
    }
    if (output.empty()) {
      if (!outputReady_) return;
      continue;
    }
    connection_->flush();
    if (state_ != State::kOpen || !connection_->output().empty()) return;
  }
}

// --- the end ---------------------------------------------------------------------------------------------------

void CodecConnection::finish() {
  const auto kind = remoteEnded_ ? End::Kind::kRemoteEnded : End::Kind::kFinished;
  const Leave leave = serves_ ? Leave::kStaged : Leave::kInOrder;
  end({kind, remoteEnded_ ? "the remote side closed the connection" : "the connection is finished", 0},
      resetWhenFinished_ ? Leave::kReset : leave);
}

void CodecConnection::onClosed(const Error& error) {
  const bool inOrder = error.code == 0;
  // Where our direction had ended before, this is also how the end of the other is told.
  if (inOrder && !remoteEnded_) hearEnd();
  auto kind = inOrder ? End::Kind::kRemoteEnded : End::Kind::kBroken;
  if (state_ == State::kConnecting) kind = End::Kind::kConnectFailed;
  end({kind, error.message, error.code}, Leave::kInOrder);
}

void CodecConnection::close(std::string_view why) { end({End::Kind::kLocal, why, 0}, Leave::kGoodbye); }

void CodecConnection::closeWith(std::string_view lastWords, std::string_view why) {
  if (state_ == State::kEnded) return;
  if (connection_->writable() && connection_->output().empty()) {
    connection_->output().append(lastWords);
    connection_->flush();
  }
  if (codec_ != nullptr) codec_->goAway();  // producing what is left must not begin another request
  end({End::Kind::kLocal, why, 0}, Leave::kStaged);
}

void CodecConnection::abort(std::string_view why) { end({End::Kind::kLocal, why, 0}, Leave::kReset); }

void CodecConnection::mute() {
  muted_ = true;
  unlink();
}

void CodecConnection::end(const End& end, Leave leave) {
  if (state_ == State::kEnded) return;
  if (state_ != State::kOpen || muted_) leave = leave == Leave::kReset ? leave : Leave::kInOrder;
  enter(State::kEnded);
  slowed_.reset();
  unlink();
  owner_.onEnded(end);
  releaseConnection(leave);
  if (codec_ != nullptr) codec_->connectionLost(end.detail);
}

void CodecConnection::releaseConnection(Leave leave) {
  if (leave == Leave::kReset) {
    connection_->abort();
    return;
  }
  if (leave == Leave::kGoodbye) codec_->goAway();
  const bool spoke = leave != Leave::kInOrder && sendLastWords();
  const auto state = connection_->state();
  const bool unsent = connection_->writable() && !connection_->output().empty();
  const bool remoteSends = state == net::Connection::State::kOpen || state == net::Connection::State::kLocalEnded;
  if (unsent || (remoteSends && (spoke || (serves_ && leave == Leave::kStaged)))) {
    io_.farewells.take(std::move(connection_));
  } else {
    connection_->close();
  }
}

// True if there were any.
bool CodecConnection::sendLastWords() {
  if (!connection_->writable()) return false;
  Buffer& output = connection_->output();
  const size_t before = output.size();
  codec_->produce(output, std::max(net::Connection::kOutputLimit, before + kLastWords));
  const bool spoke = output.size() > before;
  connection_->flush();
  return spoke;
}

std::optional<net::LastHeard> CodecConnection::lastHeard() const {
  return connection_ != nullptr ? connection_->lastHeard() : std::nullopt;
}

std::optional<net::SendState> CodecConnection::sendState() const {
  return connection_ != nullptr ? connection_->sendState() : std::nullopt;
}

void CodecConnection::tellTime(TimePoint now) {
  if (codec_ == nullptr || ended()) return;
  if (!timeTold_) timeTold_ = now;
  const auto passed = std::chrono::floor<seconds>(now - *timeTold_);
  *timeTold_ += passed;
  codec_->secondsPassed(static_cast<uint32_t>(std::max<int64_t>(passed.count(), 0)));
}

uint64_t CodecConnection::taken() {
  if (connection_ == nullptr || taken_ >= kTrusted) return taken_;
  const uint64_t written = connection_->bytesWritten();
  if (written < taken_ + kTakenStep) return taken_;
  const auto sent = connection_->sendState();
  taken_ = std::max(taken_, std::min(written, sent && sent->taken ? *sent->taken : written));
  return taken_;
}

uint64_t CodecConnection::bytesMoved() const {
  return connection_ != nullptr ? connection_->bytesRead() + connection_->bytesWritten() : 0;
}

}  // namespace peerpulse::wire
