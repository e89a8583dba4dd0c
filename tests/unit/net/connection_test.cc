// Goal: a Connection carries bytes unchanged under back-pressure, and every way of ending is told once.
// Method: two connections on one loop over a real loopback socket.
#include "peerpulse/net/connection.h"

#include <cerrno>
#include <functional>
#include <string>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include "peerpulse/net/listener.h"

using namespace peerpulse;
using namespace peerpulse::net;

namespace {

struct Recorder : ConnectionCallbacks {
  void onConnected() override {
    connected = true;
    if (whenConnected) whenConnected();
  }
  void onRead(Slice data) override {
    if (keep) received.append(data.view());
    bytes += data.size();
    if (whenRead) whenRead();
  }
  void onEof() override {
    eof = true;
    if (whenEnded) whenEnded();
  }
  void onWritable() override {
    if (whenWritable) whenWritable();
  }
  void onClosed(const Error& error) override {
    ++closed;
    code = error.code;
    if (whenEnded) whenEnded();
  }
  bool connected = false, eof = false, keep = true;
  int closed = 0, code = 0;
  size_t bytes = 0;
  std::string received;
  std::function<void()> whenConnected, whenRead, whenEnded, whenWritable;
};

struct Pair {
  Pair() {
    auto socket = ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
    REQUIRE(socket);
    listener = std::move(*socket);
    acceptor = std::make_unique<Acceptor>(dispatcher, *listener, [this](Fd fd) {
      server = Connection::accepted(dispatcher, blocks, std::move(fd), serverSide);
      if (onServer) onServer();
    });
    client = Connection::connectTo(dispatcher, blocks, listener->address(), SocketOptions{}, clientSide);
    guard = dispatcher.createTimer([this] {
      dispatcher.exit();
      FAIL_CHECK("timed out");
    });
    guard->enable(seconds(20));
  }
  event::Dispatcher dispatcher;
  ReadBlocks blocks;
  Recorder clientSide, serverSide;
  std::unique_ptr<ListenSocket> listener;
  std::unique_ptr<Acceptor> acceptor;
  std::unique_ptr<Connection> client, server;
  std::unique_ptr<event::Timer> guard;
  std::function<void()> onServer;
};

}  // namespace

TEST_CASE("connection: bytes arrive unchanged, and the end after them") {
  Pair pair;
  const std::string text = "ping over a real socket";
  pair.clientSide.whenConnected = [&] {
    pair.client->output().append(text);
    pair.client->closeAfterFlush();
  };
  pair.serverSide.whenEnded = [&] { pair.dispatcher.exit(); };
  pair.dispatcher.run();
  CHECK(pair.serverSide.received == text);
  CHECK(pair.serverSide.eof);
}

TEST_CASE("connection: 64 MiB through a bounded output, with the reader pausing") {
  Pair pair;
  constexpr size_t kTotal = 64 * 1024 * 1024;
  const Slice chunk = Slice::copyOf(std::string(128 * 1024, 'z'));
  size_t queued = 0;
  size_t highest = 0;
  auto fill = [&] {
    while (queued < kTotal && pair.client->output().empty()) {
      while (queued < kTotal && pair.client->output().size() < Connection::kOutputLimit) {
        pair.client->output().append(chunk);
        queued += chunk.size();
        highest = std::max(highest, pair.client->output().size());
      }
      pair.client->flush();
    }
    if (queued == kTotal) pair.client->closeAfterFlush();
  };
  pair.clientSide.whenConnected = fill;
  pair.clientSide.whenWritable = fill;
  pair.serverSide.keep = false;
  auto resume = pair.dispatcher.createTimer([&] { pair.server->setReadEnabled(true); });
  int pauses = 0;
  pair.serverSide.whenRead = [&] {
    if (pair.serverSide.bytes / (8 * 1024 * 1024) > static_cast<size_t>(pauses)) {
      ++pauses;
      pair.server->setReadEnabled(false);
      resume->enable(milliseconds(2));
    }
  };
  pair.serverSide.whenEnded = [&] { pair.dispatcher.exit(); };
  pair.dispatcher.run();
  CHECK(pair.serverSide.bytes == kTotal);
  CHECK(highest <= Connection::kOutputLimit + chunk.size());
  CHECK(pauses == 8);
}

TEST_CASE("connection: abort is seen as a reset, never as a clean end") {
  Pair pair;
  pair.onServer = [&] { pair.server->abort(); };
  pair.clientSide.whenEnded = [&] { pair.dispatcher.exit(); };
  pair.dispatcher.run();
  CHECK(pair.clientSide.closed == 1);
  CHECK(pair.clientSide.code == ECONNRESET);
  CHECK_FALSE(pair.clientSide.eof);
  CHECK(pair.serverSide.closed == 0);  // who aborts is not told
}

TEST_CASE("connection: a refused connect is told once, with its errno, never from inside connectTo()") {
  event::Dispatcher dispatcher;
  ReadBlocks blocks;
  auto listener = ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
  REQUIRE(listener);
  REQUIRE((*listener)->refuse());
  Recorder side;
  side.whenEnded = [&] { dispatcher.exit(); };
  auto connection = Connection::connectTo(dispatcher, blocks, (*listener)->address(), SocketOptions{}, side);
  CHECK(side.closed == 0);
  dispatcher.run();
  CHECK(side.closed == 1);
  CHECK(side.code == ECONNREFUSED);
  CHECK_FALSE(side.connected);
}
