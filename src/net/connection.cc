#include "peerpulse/net/connection.h"

#include <algorithm>
#include <cerrno>

#include "peerpulse/base/assert.h"
#include "peerpulse/net/race_transport.h"

namespace peerpulse::net {

namespace {

using State = Connection::State;

// A hundred small answers on an h2 connection are two slices each.
constexpr int kMaxIovecs = 256;
// What one connection may read in one turn of the loop before the others get theirs: bytes, and the time that it takes to do what
// they ask for, which is a thousandfold where they are small requests.
constexpr size_t kReadTurnLimit = 256 * 1024;
constexpr Duration kReadTurnTime = milliseconds(1);
constexpr size_t kMaxReadSize = ReadBlocks::kBlockSize * ReadBlocks::kMaxBlocks;

bool legal(State from, State to) {
  switch (from) {
    case State::kConnecting: return to == State::kHandshaking || to == State::kClosed;
    case State::kHandshaking: return to == State::kOpen || to == State::kClosed;
    case State::kOpen: return to == State::kRemoteEnded || to == State::kLocalEnded || to == State::kClosed;
    case State::kRemoteEnded:
    case State::kLocalEnded: return to == State::kClosed;
    case State::kClosed: return false;
  }
  return false;
}

}  // namespace

const char* toString(State state) {
  switch (state) {
    case State::kConnecting: return "connecting";
    case State::kHandshaking: return "handshaking";
    case State::kOpen: return "open";
    case State::kRemoteEnded: return "remote_ended";
    case State::kLocalEnded: return "local_ended";
    case State::kClosed: return "closed";
  }
  return "?";
}

Connection::Connection(event::Scheduler& scheduler, ReadBlocks& blocks, std::unique_ptr<Transport> transport,
                       State state, ConnectionCallbacks& callbacks)
    : scheduler_(scheduler),
      blocks_(blocks),
      transport_(std::move(transport)),
      state_(state),
      callbacks_(&callbacks) {
  if (transport_ == nullptr) return;
  transport_->attach(*this);
  updateWatch();
}

Connection::~Connection() { release(false); }

std::unique_ptr<Connection> Connection::accepted(event::Scheduler& scheduler, ReadBlocks& blocks,
                                                 std::unique_ptr<Transport> transport,
                                                 ConnectionCallbacks& callbacks) {
  const State begins = transport->tls() != nullptr ? State::kHandshaking : State::kOpen;
  return std::unique_ptr<Connection>(new Connection(scheduler, blocks, std::move(transport), begins, callbacks));
}

std::unique_ptr<Connection> Connection::connectTo(event::Scheduler& scheduler, ReadBlocks& blocks,
                                                  Connector& connector, const Destination& to,
                                                  const SocketOptions& options, ConnectionCallbacks& callbacks) {
  auto transport =
      to.single() ? connector.connect(to.first(), options) : RaceTransport::start(scheduler, connector, to, options);
  auto connection = std::unique_ptr<Connection>(
      new Connection(scheduler, blocks, transport ? std::move(*transport) : nullptr, State::kConnecting, callbacks));
  if (!transport) connection->failLater(transport.error());
  return connection;
}

void Connection::enter(State to) {
  PP_ASSERT(legal(state_, to));
  state_ = to;
}

// The caller does not hold the connection yet: it must not hear of the failure before it does.
void Connection::failLater(Error error) {
  failTimer_ = scheduler_.createTimer([this, error = std::move(error)] { fail(error); });
  failTimer_->enable(Duration::zero());
}

void Connection::onTransportReady(uint32_t events) {
  if (state_ == State::kConnecting) {
    finishConnect();
    return;
  }
  if (state_ == State::kHandshaking) {
    shakeHands();
    return;
  }
  if ((events & ready::kRead) != 0 && readsOn()) {
    if (readEnabled_) {
      readAll();
    } else {
      updateWatch();  // not wanted for longer than a moment: stop being told
    }
  }
  if ((events & ready::kWrite) != 0 && writable()) writeOn();
}

void Connection::writeOn() {
  writeAll();
  // Also when that was the last of it: whoever waits to be through must be told.
  const bool through = state_ == State::kLocalEnded;
  if ((writable() || through) && output_.size() < kOutputLimit / 2) callbacks_->onWritable();
}

void Connection::finishConnect() {
  if (const int error = transport_->connectResult(); error != 0) {
    fail(systemError("connect", error));
    return;
  }
  enter(State::kHandshaking);
  callbacks_->onTcpConnected();
  if (state_ == State::kHandshaking) shakeHands();
}

void Connection::shakeHands() {
  const IoResult result = transport_->handshake();
  switch (result.status) {
    case IoResult::Status::kOk:
      enter(State::kOpen);
      updateWatch();
      callbacks_->onReady();
      // What was left may go by now, and whoever left it has more.
      if (writable() && !output_.empty()) writeOn();
      return;
    case IoResult::Status::kAgain:
      handshakeWants_ = result.wants;
      updateWatch();
      return;
    case IoResult::Status::kEnd: fail(Error{"closed by the remote side during the handshake", ECONNRESET}); return;
    case IoResult::Status::kError: fail(transport_->failure("handshake", result.error)); return;
  }
}

// What waits on a connection that can no longer be written to is read to its end, whatever back-pressure and fairness
// say: no more can come. The break is told after it.
void Connection::readAll() {
  const uint64_t before = bytesRead_;
  const TimePoint stop = scheduler_.now() + kReadTurnTime;
  bool inTime = true;
  reading_ = true;
  while (readsOn() && (writeError_ != 0 || (inTime && readEnabled_ && bytesRead_ - before < kReadTurnLimit))) {
    if (!readSome()) break;
    inTime = scheduler_.now() < stop;
  }
  if (!inTime) readSize_ = kInitialReadSize;  // what comes is costly: less of it at a time
  reading_ = false;
  if (bytesRead_ != before && state_ != State::kClosed) callbacks_->onReadDone();
  if (writeError_ != 0 && state_ != State::kClosed) fail(transport_->failure("write", writeError_));
}

// True if there may be more.
bool Connection::readSome() {
  iovec entries[ReadBlocks::kMaxBlocks];
  const int count = blocks_.reserve(readSize_, entries, readLimit_);
  size_t room = 0;
  for (int i = 0; i < count; ++i)
    room += entries[i].iov_len;
  const IoResult result = transport_->read(entries, count);
  switch (result.status) {
    case IoResult::Status::kAgain: return false;
    case IoResult::Status::kEnd: remoteEnded(); return false;
    case IoResult::Status::kError: fail(transport_->failure("read", result.error)); return false;
    case IoResult::Status::kOk: break;
  }
  bytesRead_ += result.bytes;
  ReadBlocks::Received received;
  const size_t slices = blocks_.commit(result.bytes, received);
  for (size_t i = 0; i < slices && readsOn(); ++i)
    callbacks_->onRead(std::move(received[i]));
  // Bulk senders fill what they are given: ask for more at a time. Others stay small. A socket that gave less than
  // there was room for is empty: the read that would say so is saved.
  const bool filled = result.bytes == room;
  readSize_ = filled ? std::min(readSize_ * 2, kMaxReadSize)
                     : std::max(kInitialReadSize, std::min(readSize_, result.bytes * 2));
  return filled || writeError_ != 0;
}

void Connection::remoteEnded() {
  // A failed write takes the error of a reset with it, and what is then read looks like an end in order. EPIPE is no
  // reset: the end came before it.
  if (writeError_ != 0 && writeError_ != EPIPE) return;
  if (state_ == State::kLocalEnded) {
    fail(Error{"closed", 0});
    return;
  }
  enter(State::kRemoteEnded);
  updateWatch();
  callbacks_->onEof();
}

void Connection::flush() {
  if (writable()) writeAll();
}

void Connection::writeAll() {
  while (!output_.empty()) {
    iovec entries[kMaxIovecs];
    const IoResult result = transport_->write(entries, output_.fillIovecs(entries, kMaxIovecs));
    if (result.status == IoResult::Status::kAgain) break;
    if (result.status != IoResult::Status::kOk) {
      // A peer that answers early and closes makes our writing fail while its answer waits to be read.
      writeError_ = result.error;
      output_.clear();
      if (!reading_) readAll();  // or else who reads goes on to the end
      return;
    }
    bytesWritten_ += result.bytes;
    output_.drain(result.bytes);
  }
  if (output_.empty() && outputEnds_) {
    finishOutput();
  } else {
    updateWatch();
  }
}

void Connection::endOutput() {
  if (outputEnds_ || !(connecting() || writable())) return;
  outputEnds_ = true;
  if (output_.empty() && writable()) finishOutput();
}

void Connection::finishOutput() {
  if (state_ == State::kRemoteEnded) {
    fail(Error{"closed", 0});
    return;
  }
  if (const auto ended = transport_->shutdownWrite(); !ended) {
    fail(ended.error());
    return;
  }
  enter(State::kLocalEnded);
  updateWatch();
}

void Connection::setReadEnabled(bool enabled) {
  if (readEnabled_ == enabled) return;
  readEnabled_ = enabled;
  // Back-pressure comes and goes within a turn: being told in vain once is cheaper than a system call each time.
  if (enabled && (watched_ & ready::kRead) == 0) updateWatch();
}

void Connection::setReadLimit(size_t bytes) { readLimit_ = std::max(bytes, kMinReadLimit); }

std::optional<LastHeard> Connection::lastHeard() const {
  if (connecting() || state_ == State::kClosed) return std::nullopt;
  auto heard = transport_->lastHeard();
  if (heard && state_ == State::kRemoteEnded) heard->unread.reset();  // what waits is the end, told already
  return heard;
}

std::optional<SendState> Connection::sendState() const {
  if (connecting() || state_ == State::kClosed) return std::nullopt;
  return transport_->sendState();
}

void Connection::updateWatch() {
  uint32_t events = 0;
  if (state_ == State::kConnecting) events = ready::kWrite;
  if (state_ == State::kHandshaking) events = handshakeWants_;
  if (readsOn() && readEnabled_) events |= ready::kRead;
  if (writable() && !output_.empty()) events |= ready::kWrite;
  if (events == watched_ || transport_ == nullptr) return;
  watched_ = events;
  transport_->watch(events);
}

// A failed connection has no use for its descriptor; the object lives until its owner lets go of it.
void Connection::fail(Error error) {
  if (state_ == State::kClosed) return;
  enter(State::kClosed);
  release(false);
  callbacks_->onClosed(error);
}

void Connection::shut(bool reset) {
  if (state_ == State::kClosed) return;
  enter(State::kClosed);
  release(reset);
}

void Connection::release(bool reset) {
  failTimer_.reset();
  if (transport_ != nullptr) transport_->close(reset);
  output_.clear();
}

}  // namespace peerpulse::net
