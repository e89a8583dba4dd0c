#include "peerpulse/wire/codec_connection.h"

#include "peerpulse/base/assert.h"

namespace peerpulse::wire {

namespace {

using State = CodecConnection::State;

bool legal(State from, State to) {
  switch (from) {
    case State::kConnecting:
    case State::kChoosing: return to == State::kOpen || to == State::kEnded;
    case State::kOpen: return to == State::kEnded;
    case State::kEnded: return false;
  }
  return false;
}

}  // namespace

std::unique_ptr<http::Codec> CodecConnectionOwner::createCodec(http::Preface) {
  PP_ASSERT(!"an owner of accepted connections must create codecs");
  return nullptr;
}

CodecConnection::CodecConnection(IoContext& io, std::unique_ptr<net::Transport> transport,
                                 CodecConnectionOwner& owner)
    : io_(io),
      owner_(owner),
      state_(State::kChoosing),
      connection_(net::Connection::accepted(io.scheduler, io.blocks, std::move(transport), *this)) {}

CodecConnection::CodecConnection(IoContext& io, const SocketAddress& address, const net::SocketOptions& options,
                                 std::unique_ptr<http::Codec> codec, CodecConnectionOwner& owner)
    : io_(io),
      owner_(owner),
      state_(State::kConnecting),
      codec_(std::move(codec)),
      connection_(net::Connection::connectTo(io.scheduler, io.blocks, io.connector, address, options, *this)) {}

CodecConnection::~CodecConnection() = default;

void CodecConnection::enter(State to) {
  PP_ASSERT(legal(state_, to));
  state_ = to;
}

// --- reading ---------------------------------------------------------------------------------------------------

void CodecConnection::onReady() {
  enter(State::kOpen);
  owner_.onReady();
  if (state_ == State::kOpen) flushNow();
}

void CodecConnection::onRead(Slice data) {
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
  enter(State::kOpen);
  if (!whole) data = Slice::copyOf(first_);
  first_ = std::string();
  return true;
}

void CodecConnection::receive(Slice data) {
  const Result<void> received = codec_->receive(std::move(data));
  if (state_ == State::kEnded) return;
  if (!received) {
    pump();  // the codec's last words
    if (state_ != State::kEnded) end({End::Kind::kProtocol, received.error().message, 0}, Leave::kStaged);
    return;
  }
  // At once, not at the turn's end: reading on would exceed what may be buffered.
  connection_->setReadEnabled(codec_->wantsRead());
}

void CodecConnection::onEof() {
  remoteEnded_ = true;
  if (muted_) return;
  if (codec_ == nullptr) {
    end({End::Kind::kRemoteEnded, "the client closed the connection", 0}, Leave::kInOrder);
    return;
  }
  codec_->receiveEof();
  outputReady_ = true;
  flushNow();
}

// --- writing ---------------------------------------------------------------------------------------------------

void CodecConnection::outputReady() {
  outputReady_ = true;
  if (state_ == State::kOpen && !muted_) io_.flushQueue.add(*this);
}

void CodecConnection::flushNow() {
  if (state_ != State::kOpen || muted_) return;
  pump();
  if (state_ != State::kOpen) return;
  const bool written = connection_->output().empty();
  if (written && codec_->finished()) {
    const auto kind = remoteEnded_ ? End::Kind::kRemoteEnded : End::Kind::kFinished;
    end({kind, remoteEnded_ ? "the remote side closed the connection" : "the connection is finished", 0},
        resetWhenFinished_ ? Leave::kReset : Leave::kInOrder);
    return;
  }
  if (codec_->outputEnded()) connection_->endOutput();
  if (state_ != State::kOpen) return;
  connection_->setReadEnabled(codec_->wantsRead());
  owner_.onSettled();
}

// Until the codec has no more to say or the kernel takes no more.
void CodecConnection::pump() {
  constexpr size_t kLimit = net::Connection::kOutputLimit;
  while (state_ == State::kOpen && connection_->writable()) {
    Buffer& output = connection_->output();
    if (outputReady_ && output.size() < kLimit) {
      outputReady_ = false;
      codec_->produce(output, kLimit);
      if (state_ != State::kOpen) return;
      if (output.size() >= kLimit) outputReady_ = true;  // most likely not all of it
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

void CodecConnection::onClosed(const Error& error) {
  if (state_ == State::kConnecting) {
    end({End::Kind::kConnectFailed, error.message, error.code}, Leave::kInOrder);
  } else if (error.code == 0) {
    end({End::Kind::kRemoteEnded, error.message, 0}, Leave::kInOrder);
  } else {
    end({End::Kind::kBroken, error.message, error.code}, Leave::kInOrder);
  }
}

void CodecConnection::close(std::string_view why) { end({End::Kind::kLocal, why, 0}, Leave::kGoodbye); }

void CodecConnection::closeWith(std::string_view lastWords, std::string_view why) {
  if (state_ == State::kEnded) return;
  if (connection_->writable() && connection_->output().empty()) {
    connection_->output().append(lastWords);
    connection_->flush();
  }
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
  unlink();
  owner_.onEnded(end);
  if (leave == Leave::kGoodbye) sayGoodbye();
  releaseConnection(leave);
  if (codec_ != nullptr) codec_->connectionLost(end.detail);
}

void CodecConnection::sayGoodbye() {
  codec_->goAway();
  if (!connection_->writable()) return;
  codec_->produce(connection_->output(), net::Connection::kOutputLimit);
  connection_->flush();
}

void CodecConnection::releaseConnection(Leave leave) {
  if (leave == Leave::kReset) {
    connection_->abort();
    return;
  }
  const bool lingers = leave == Leave::kStaged || !connection_->output().empty();
  if (lingers && connection_->writable()) {
    io_.farewells.take(std::move(connection_));
  } else {
    connection_->close();
  }
}

std::optional<net::LastHeard> CodecConnection::lastHeard() const {
  return connection_ != nullptr ? connection_->lastHeard() : std::nullopt;
}

uint64_t CodecConnection::bytesMoved() const {
  return connection_ != nullptr ? connection_->bytesRead() + connection_->bytesWritten() : 0;
}

}  // namespace peerpulse::wire
