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
#include "peerpulse/net/plain_transport.h"
#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::probe {
namespace {

class Server;

/// What the test can silence.
class Served : public event::DeferredDeletable {
 public:
  virtual int fd() const = 0;
};

/// Answers as the codec of its mode does.
class ServedConnection final : public Served, wire::CodecConnectionOwner, http::ServerCodecOwner, http::Receiver {
 public:
  ServedConnection(Server& server, Fd fd);
  int fd() const override { return connection_.fd(); }

 private:
  std::unique_ptr<http::Codec> createCodec(http::Preface) override;
  void onEnded(const wire::End&) override;
  void onOutputReady() override { connection_.outputReady(); }
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

  Server& server_;
  wire::CodecConnection connection_;
};

/// "calm": no codec, and no patience with PINGs.
class PolicingConnection final : public Served, net::ConnectionCallbacks {
 public:
  PolicingConnection(Server& server, Fd fd);
  int fd() const override { return connection_->fd(); }

 private:
  void onRead(Slice data) override;
  void onEof() override { connection_->endOutput(); }
  void onWritable() override {}
  void onClosed(const Error&) override;

  Server& server_;
  std::unique_ptr<net::Connection> connection_;
  size_t received_ = 0;
};

class Server {
 public:
  Server(std::string mode, int listenFd, int controlFd)
      : mode_(std::move(mode)), listenFd_(listenFd), controlFd_(controlFd) {
    accept_ = dispatcher_.createFileEvent(listenFd_, [this](uint32_t) {
      const int fd = ::accept4(listenFd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) serve(Fd(fd));
    });
    accept_->setEnabled(event::FileEvent::kRead);
    control_ = dispatcher_.createFileEvent(controlFd_, [this](uint32_t) { onControl(); });
    control_->setEnabled(event::FileEvent::kRead);
  }
  void run() { dispatcher_.run(); }
  void remove(Served* connection) {
    const auto it =
        std::find_if(connections_.begin(), connections_.end(), [&](auto& c) { return c.get() == connection; });
    dispatcher_.deferredDelete(std::move(*it));
    connections_.erase(it);
  }

  const std::string& mode() const { return mode_; }
  wire::IoContext& io() { return io_; }
  std::unique_ptr<net::Transport> transport(Fd fd) {
    return net::PlainTransport::accepted(dispatcher_, std::move(fd));
  }

 private:
  void serve(Fd fd) {
    if (mode_ == "calm") {
      connections_.push_back(std::make_unique<PolicingConnection>(*this, std::move(fd)));
    } else {
      connections_.push_back(std::make_unique<ServedConnection>(*this, std::move(fd)));
    }
  }
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
  event::Dispatcher dispatcher_;
  net::PlainConnector connector_{dispatcher_};
  wire::IoContext io_{dispatcher_, connector_};
  std::unique_ptr<event::FileEvent> accept_, control_;
  std::vector<std::unique_ptr<Served>> connections_;
};

ServedConnection::ServedConnection(Server& server, Fd fd)
    : server_(server), connection_(server.io(), server.transport(std::move(fd)), *this) {}

// An "h1" peer takes the preface of h2 for a bad request.
std::unique_ptr<http::Codec> ServedConnection::createCodec(http::Preface) {
  return server_.mode() == "h2" ? http::createH2ServerCodec(*this, {}) : http::createH1ServerCodec(*this, {});
}

void ServedConnection::onEnded(const wire::End&) { server_.remove(this); }

PolicingConnection::PolicingConnection(Server& server, Fd fd)
    : server_(server),
      connection_(net::Connection::accepted(server.io().scheduler, server.io().blocks,
                                            server.transport(std::move(fd)), *this)) {}

void PolicingConnection::onRead(Slice data) {
  using namespace std::string_view_literals;
  if (received_ == 0) connection_->output().append("\0\0\0\4\0\0\0\0\0"sv);  // SETTINGS
  // Counts bytes, not frames: a client that sends only PINGs after its greeting sends its third after this.
  const size_t before = received_;
  received_ += data.size();
  constexpr size_t kGreetingAndTwoPings = 24 + 9 + 4 * 6 + 13 + 2 * 17;
  if (before <= kGreetingAndTwoPings && received_ > kGreetingAndTwoPings) {
    connection_->output().append("\0\0\x16\7\0\0\0\0\0\0\0\0\0\0\0\0\x0btoo_many_pings"sv);
  }
  connection_->flush();
}

void PolicingConnection::onClosed(const Error&) { server_.remove(this); }

}  // namespace

int runPeer(const std::string& mode, int listenFd, int controlFd) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Server(mode, listenFd, controlFd).run();
  return 0;
}

}  // namespace peerpulse::probe
