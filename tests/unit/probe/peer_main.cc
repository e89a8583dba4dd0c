// The peer that PeerProcess runs: just enough of a server on the project's own codecs.
#include <algorithm>
#include <linux/filter.h>
#include <memory>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "peer_process.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/net/connection.h"

namespace peerpulse::probe {
namespace {

class Server;

class ServedConnection : public event::DeferredDeletable,
                         net::ConnectionCallbacks,
                         http::ServerCodecOwner,
                         http::Receiver {
 public:
  ServedConnection(Server& server, Fd fd);
  int fd() const { return connection_->fd(); }

 private:
  void onRead(Slice data) override;
  void onReadDone() override;
  void onEof() override { close(); }
  void onWritable() override { onReadDone(); }
  void onClosed(const Error&) override { close(); }
  void onOutputReady() override {}
  http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override {
    return answer(stream, head.path == "/health" ? 200 : 404);
  }
  http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view) override {
    return answer(stream, status);
  }
  http::Receiver* answer(http::ResponseStream& stream, int status) {
    http::ResponseHead head;
    head.status = status;
    stream.sendHeaders(head, true);
    return this;
  }
  void onData(Slice) override {}
  void onTrailers(http::HeaderList&&) override {}
  void onEnd() override {}
  void onBodySent(size_t) override {}
  void onClosed() override {}
  void onReset(http::ResetReason, std::string_view) override {}
  void close();
  void police(std::string_view bytes);

  Server& server_;
  std::unique_ptr<http::Codec> codec_;  // none: "calm"
  std::unique_ptr<net::Connection> connection_;
  size_t received_ = 0;
  bool closed_ = false;
};

class Server {
 public:
  Server(std::string mode, int listenFd, int controlFd)
      : mode_(std::move(mode)), listenFd_(listenFd), controlFd_(controlFd) {
    accept_ = dispatcher_.createFileEvent(listenFd_, [this](uint32_t) {
      const int fd = ::accept4(listenFd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) connections_.push_back(std::make_unique<ServedConnection>(*this, Fd(fd)));
    });
    accept_->setEnabled(event::FileEvent::kRead);
    control_ = dispatcher_.createFileEvent(controlFd_, [this](uint32_t) { onControl(); });
    control_->setEnabled(event::FileEvent::kRead);
  }
  void run() { dispatcher_.run(); }
  void remove(ServedConnection* connection) {
    const auto it =
        std::find_if(connections_.begin(), connections_.end(), [&](auto& c) { return c.get() == connection; });
    dispatcher_.deferredDelete(std::move(*it));
    connections_.erase(it);
  }

  const std::string& mode() const { return mode_; }
  event::Dispatcher& dispatcher() { return dispatcher_; }
  net::ReadBlocks& blocks() { return blocks_; }

 private:
  void onControl() {
    char c = 0;
    if (::read(controlFd_, &c, 1) != 1) ::_exit(0);  // the test is gone
    silence(listenFd_, c == '-');
    for (const auto& connection : connections_)
      silence(connection->fd(), c == '-');
    if (::write(controlFd_, &c, 1) != 1) ::_exit(0);
  }
  static void silence(int fd, bool on) {
    sock_filter dropAll{BPF_RET | BPF_K, 0, 0, 0};
    sock_fprog program{1, &dropAll};
    const int nothing = 0;
    const int rc = on ? ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program)
                      : ::setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &nothing, sizeof nothing);
    if (on && rc != 0) ::_exit(3);
  }

  std::string mode_;
  int listenFd_, controlFd_;
  net::ReadBlocks blocks_;
  event::Dispatcher dispatcher_;
  std::unique_ptr<event::FileEvent> accept_, control_;
  std::vector<std::unique_ptr<ServedConnection>> connections_;
};

ServedConnection::ServedConnection(Server& server, Fd fd) : server_(server) {
  if (server.mode() == "h2") codec_ = http::createH2ServerCodec(*this, {});
  if (server.mode() == "h1") codec_ = http::createH1ServerCodec(*this, {});
  connection_ = net::Connection::accepted(server.dispatcher(), server.blocks(), std::move(fd), *this);
}

void ServedConnection::onRead(Slice data) {
  if (codec_ == nullptr) {
    police(data.view());
    return;
  }
  const auto received = codec_->receive(std::move(data));
  if (received && !codec_->finished()) return;
  onReadDone();
  connection_->closeAfterFlush();
  if (connection_->state() == net::Connection::State::kClosed) close();
}

void ServedConnection::onReadDone() {
  if (closed_ || codec_ == nullptr) return;
  codec_->produce(connection_->output(), net::Connection::kOutputLimit);
  connection_->flush();
}

void ServedConnection::police(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (received_ == 0) connection_->output().append("\0\0\0\4\0\0\0\0\0"sv);  // SETTINGS
  // Counts bytes, not frames: a client that sends only PINGs after its greeting sends its third after this.
  const size_t before = received_;
  received_ += bytes.size();
  constexpr size_t kGreetingAndTwoPings = 24 + 9 + 4 * 6 + 13 + 2 * 17;
  if (before <= kGreetingAndTwoPings && received_ > kGreetingAndTwoPings) {
    connection_->output().append("\0\0\x16\7\0\0\0\0\0\0\0\0\0\0\0\0\x0btoo_many_pings"sv);
  }
  connection_->flush();
}

void ServedConnection::close() {
  if (closed_) return;
  closed_ = true;
  connection_->close();
  server_.remove(this);
}

}  // namespace

int runPeer(const std::string& mode, int listenFd, int controlFd) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Server(mode, listenFd, controlFd).run();
  return 0;
}

}  // namespace peerpulse::probe
