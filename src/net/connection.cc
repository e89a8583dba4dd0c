#include "peerpulse/net/connection.h"

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>
#include <sys/uio.h>

#include "peerpulse/base/assert.h"

namespace peerpulse::net {

namespace {

// A hundred small answers on an h2 connection are two slices each.
constexpr int kMaxIovecs = 256;
// Bytes read in one turn of the loop before the other connections get theirs.
constexpr size_t kReadTurnLimit = 1024 * 1024;
constexpr size_t kMaxReadSize = ReadBlocks::kBlockSize * ReadBlocks::kMaxBlocks;

bool wouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

Connection::Connection(event::Dispatcher& dispatcher, ReadBlocks& blocks, Fd fd, State state,
                       ConnectionCallbacks& callbacks)
    : dispatcher_(dispatcher), blocks_(blocks), fd_(std::move(fd)), state_(state), callbacks_(&callbacks) {
  if (!fd_.valid()) return;
  event_ = dispatcher_.createFileEvent(fd_.get(), [this](uint32_t events) { onEvents(events); });
  updateEvents();
}

Connection::~Connection() { shut(); }

std::unique_ptr<Connection> Connection::accepted(event::Dispatcher& dispatcher, ReadBlocks& blocks, Fd fd,
                                                 ConnectionCallbacks& callbacks) {
  return std::unique_ptr<Connection>(new Connection(dispatcher, blocks, std::move(fd), State::kOpen, callbacks));
}

std::unique_ptr<Connection> Connection::connectTo(event::Dispatcher& dispatcher, ReadBlocks& blocks,
                                                  const SocketAddress& address, const SocketOptions& options,
                                                  ConnectionCallbacks& callbacks) {
  auto fd = createStreamSocket(address);
  Result<void> started = fd ? applyOptions(fd->get(), options) : Result<void>(fd.error());
  if (started) started = startConnect(fd->get(), address);
  auto connection = std::unique_ptr<Connection>(
      new Connection(dispatcher, blocks, started ? std::move(*fd) : Fd(), State::kConnecting, callbacks));
  if (!started) connection->failLater(started.error());
  return connection;
}

// The caller does not hold the connection yet: it must not hear of the failure before it does.
void Connection::failLater(Error error) {
  failTimer_ = dispatcher_.createTimer([this, error = std::move(error)] { fail(error); });
  failTimer_->enable(Duration::zero());
}

void Connection::onEvents(uint32_t events) {
  if (state_ == State::kConnecting) {
    finishConnect();
    return;
  }
  if ((events & event::FileEvent::kRead) != 0 && state_ == State::kOpen) readAll();
  if ((events & event::FileEvent::kWrite) != 0 && state_ == State::kOpen) {
    writeAll();
    if (state_ == State::kOpen && !closing_ && output_.size() < kOutputLimit / 2) callbacks_->onWritable();
  }
}

void Connection::finishConnect() {
  if (const int error = connectError(fd_.get()); error != 0) {
    fail(systemError("connect", error));
    return;
  }
  state_ = State::kOpen;
  updateEvents();
  callbacks_->onConnected();
  if (state_ == State::kOpen) flush();
}

void Connection::readAll() {
  size_t total = 0;
  Buffer received;
  while (state_ == State::kOpen && readEnabled_ && !eof_ && total < kReadTurnLimit) {
    iovec entries[ReadBlocks::kMaxBlocks];
    const int count = blocks_.reserve(readSize_, entries);
    size_t room = 0;
    for (int i = 0; i < count; ++i)
      room += entries[i].iov_len;
    // One block is the common case, and recv() is the cheaper call.
    const ssize_t n = count == 1 ? ::recv(fd_.get(), entries[0].iov_base, entries[0].iov_len, 0)
                                 : ::readv(fd_.get(), entries, count);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (wouldBlock(errno)) break;
      fail(systemError("read", errno));
      return;
    }
    if (n == 0) {
      eof_ = true;
      updateEvents();
      callbacks_->onEof();
      break;
    }
    const auto got = static_cast<size_t>(n);
    total += got;
    bytesRead_ += got;
    blocks_.commit(got, received);
    while (!received.empty() && state_ == State::kOpen)
      callbacks_->onRead(received.takeFront());
    // Bulk senders fill what they are given: ask for more at a time. Others stay small.
    readSize_ = got == room ? std::min(readSize_ * 2, kMaxReadSize)
                            : std::max(kInitialReadSize, std::min(readSize_, got * 2));
    if (got < room) break;  // the socket is empty: save the read that would say so
  }
  if (total > 0 && state_ == State::kOpen) callbacks_->onReadDone();
}

void Connection::flush() {
  if (state_ != State::kOpen) return;
  writeAll();
}

void Connection::writeAll() {
  while (!output_.empty()) {
    iovec entries[kMaxIovecs];
    msghdr message{};
    message.msg_iov = entries;
    message.msg_iovlen = static_cast<size_t>(output_.fillIovecs(entries, kMaxIovecs));
    const ssize_t n = message.msg_iovlen == 1
                          ? ::send(fd_.get(), entries[0].iov_base, entries[0].iov_len, MSG_NOSIGNAL)
                          : ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (wouldBlock(errno)) break;
      fail(systemError("write", errno));
      return;
    }
    bytesWritten_ += static_cast<size_t>(n);
    output_.drain(static_cast<size_t>(n));
  }
  if (output_.empty() && closing_) {
    close();
    return;
  }
  wantsWritable_ = !output_.empty();
  updateEvents();
}

void Connection::setReadEnabled(bool enabled) {
  if (readEnabled_ == enabled) return;
  readEnabled_ = enabled;
  updateEvents();
}

std::optional<Connection::LastHeard> Connection::lastHeard() const {
  if (state_ != State::kOpen) return std::nullopt;
  const auto info = readTcpInfo(fd_.get());
  if (!info) return std::nullopt;
  LastHeard heard;
  heard.ack = info->lastAckReceived;
  if (!eof_ && readableNow(fd_.get())) heard.unread = info->lastDataReceived;
  return heard;
}

void Connection::updateEvents() {
  if (!event_) return;
  uint32_t events = 0;
  if (state_ == State::kConnecting) events = event::FileEvent::kWrite;
  if (state_ == State::kOpen) {
    if (readEnabled_ && !eof_ && !closing_) events |= event::FileEvent::kRead;
    if (wantsWritable_) events |= event::FileEvent::kWrite;
  }
  event_->setEnabled(events);
}

void Connection::closeAfterFlush() {
  if (state_ == State::kClosed) return;
  closing_ = true;
  if (output_.empty() || state_ == State::kConnecting) {
    close();
  } else {
    flush();
  }
}

void Connection::close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  shut();
}

void Connection::abort() {
  if (state_ == State::kClosed) return;
  if (fd_.valid()) setResetOnClose(fd_.get());
  close();
}

// A failed connection has no use for its descriptor; the object lives until its owner lets go of it.
void Connection::fail(Error error) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  shut();
  callbacks_->onClosed(error);
}

void Connection::shut() {
  failTimer_.reset();
  event_.reset();
  fd_.reset();
  output_.clear();
}

}  // namespace peerpulse::net
