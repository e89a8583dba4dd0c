// Goal: a Connection carries bytes unchanged under back-pressure, and every way of ending is told once.
// Method: two connections on one loop over a real loopback socket; a raw socket or a scripted transport where one side
// must do what a Connection never does.
#include "peerpulse/net/connection.h"

#include <cerrno>
#include <functional>
#include <string>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include "peerpulse/net/listener.h"
#include "peerpulse/net/plain_transport.h"
#include "scripted_transport.h"

using namespace peerpulse;
using namespace peerpulse::net;
using peerpulse::test::Script;
using peerpulse::test::ScriptedConnector;
using peerpulse::test::ScriptedTransport;

namespace {

struct Recorder : ConnectionCallbacks {
  void onTcpConnected() override { ++tcpConnected; }
  void onReady() override {
    ++ready;
    if (whenReady) whenReady();
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
  bool eof = false, keep = true;
  int tcpConnected = 0, ready = 0, closed = 0, code = 0;
  size_t bytes = 0;
  std::string received;
  std::function<void()> whenReady, whenRead, whenEnded, whenWritable;
};

struct Pair {
  Pair() {
    auto socket = ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
    REQUIRE(socket);
    listener = std::move(*socket);
    acceptor = std::make_unique<Acceptor>(dispatcher, *listener, [this](Fd fd) {
      if (onSocket) {
        onSocket(std::move(fd));
        return;
      }
      server = Connection::accepted(dispatcher, blocks, std::make_unique<PlainTransport>(dispatcher, std::move(fd)),
                                    serverSide);
      if (onServer) onServer();
    });
    client = Connection::connectTo(dispatcher, blocks, connector, listener->address(), SocketOptions{}, clientSide);
    guard = dispatcher.createTimer([this] {
      dispatcher.exit();
      FAIL_CHECK("timed out");
    });
    guard->enable(seconds(20));
  }
  event::Dispatcher dispatcher;
  PlainConnector connector{dispatcher};
  ReadBlocks blocks;
  Recorder clientSide, serverSide;
  std::unique_ptr<ListenSocket> listener;
  std::unique_ptr<Acceptor> acceptor;
  std::unique_ptr<Connection> client, server;
  std::unique_ptr<event::Timer> guard;
  std::function<void()> onServer;
  std::function<void(Fd)> onSocket;  // instead of a Connection of the server's
};

bool is(const Connection& connection, Connection::State state) { return connection.state() == state; }

void sendAll(int fd, const std::string& text) {
  REQUIRE(::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

void reset(Fd fd) {
  setResetOnClose(fd.get());
  fd.reset();
}

}  // namespace

TEST_CASE("connection: bytes arrive unchanged, and the end after them") {
  Pair pair;
  const std::string text = "ping over a real socket";
  pair.clientSide.whenReady = [&] {
    pair.client->output().append(text);
    pair.client->endOutput();
  };
  pair.serverSide.whenEnded = [&] { pair.dispatcher.exit(); };
  pair.dispatcher.run();
  CHECK((pair.serverSide.received == text));
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
    if (queued == kTotal) pair.client->endOutput();
  };
  pair.clientSide.whenReady = fill;
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
  PlainConnector connector(dispatcher);
  auto listener = ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
  REQUIRE(listener);
  REQUIRE((*listener)->refuse());
  Recorder side;
  side.whenEnded = [&] { dispatcher.exit(); };
  auto connection =
      Connection::connectTo(dispatcher, blocks, connector, (*listener)->address(), SocketOptions{}, side);
  CHECK(side.closed == 0);
  dispatcher.run();
  CHECK(side.closed == 1);
  CHECK(side.code == ECONNREFUSED);
  CHECK(side.tcpConnected + side.ready == 0);
}

TEST_CASE("connection: what cannot even begin is told once, later, and toggling its reading meanwhile is harmless") {
  event::Dispatcher dispatcher;
  ReadBlocks blocks;
  Script unused;
  ScriptedConnector connector(unused);
  REQUIRE(connector.connect({}, {}));
  Recorder side;
  side.whenEnded = [&] { dispatcher.exit(); };
  auto connection = Connection::connectTo(dispatcher, blocks, connector, {}, SocketOptions{}, side);
  connection->setReadEnabled(false);
  connection->setReadEnabled(true);
  CHECK(is(*connection, Connection::State::kConnecting));
  CHECK(side.closed == 0);
  dispatcher.run();
  CHECK(side.closed == 1);
  CHECK(side.code == EADDRNOTAVAIL);
}

TEST_CASE("connection: each direction ends on its own, whoever begins, and both ends are told with code 0") {
  for (const bool clientFirst : {true, false}) {
    CAPTURE(clientFirst);
    Pair pair;
    int ends = 0;
    // `first` says all it has to say; `second` hears the end, still answers, and then ends as well.
    auto& first = clientFirst ? pair.client : pair.server;
    auto& second = clientFirst ? pair.server : pair.client;
    Recorder& firstSide = clientFirst ? pair.clientSide : pair.serverSide;
    Recorder& secondSide = clientFirst ? pair.serverSide : pair.clientSide;
    auto begin = [&] {
      first->output().append("question");
      first->endOutput();
      CHECK(is(*first, Connection::State::kOpen));  // not before it is written
      first->flush();
      CHECK(is(*first, Connection::State::kLocalEnded));
      CHECK_FALSE(first->writable());
    };
    if (clientFirst) {
      pair.clientSide.whenReady = begin;
    } else {
      pair.onServer = begin;
    }
    secondSide.whenEnded = [&] {
      if (secondSide.closed > 0) {
        if (++ends == 2) pair.dispatcher.exit();
        return;
      }
      CHECK(is(*second, Connection::State::kRemoteEnded));
      CHECK(second->writable());
      second->output().append("answer");
      second->flush();
      second->endOutput();
    };
    firstSide.whenEnded = [&] {
      if (++ends == 2) pair.dispatcher.exit();
    };
    pair.dispatcher.run();
    CHECK(secondSide.received == "question");
    CHECK(secondSide.eof);
    CHECK(secondSide.closed == 1);
    CHECK(secondSide.code == 0);
    CHECK(firstSide.received == "answer");
    CHECK_FALSE(firstSide.eof);  // the other end closes it at once
    CHECK(firstSide.closed == 1);
    CHECK(firstSide.code == 0);
    CHECK(is(*first, Connection::State::kClosed));
    CHECK(is(*second, Connection::State::kClosed));
  }
}

TEST_CASE("connection: an end asked for while connecting comes after the output") {
  Pair pair;
  pair.client->output().append("early");
  pair.client->endOutput();
  pair.client->flush();
  CHECK(is(*pair.client, Connection::State::kConnecting));
  pair.serverSide.whenEnded = [&] { pair.dispatcher.exit(); };
  pair.dispatcher.run();
  CHECK(pair.serverSide.received == "early");
  CHECK(pair.serverSide.eof);
}

TEST_CASE("connection: what the peer sent before its reset is read before the break is told, while we write") {
  for (const bool readingPaused : {false, true}) {
    for (const bool finFirst : {false, true}) {
      CAPTURE(readingPaused);
      CAPTURE(finFirst);
      Pair pair;
      const std::string answer(100 * 1024, 'a');
      Fd peer;
      auto act = [&] {
        if (!peer.valid() || !pair.client->open()) return;
        pair.client->setReadEnabled(!readingPaused);
        sendAll(peer.get(), answer);
        if (finFirst) REQUIRE(::shutdown(peer.get(), SHUT_WR) == 0);
        reset(std::move(peer));
        pair.client->output().append("more of the request");
        pair.client->flush();
        CHECK_FALSE(pair.client->writable());
        pair.dispatcher.exit();
      };
      pair.onSocket = [&](Fd fd) {
        peer = std::move(fd);
        act();
      };
      pair.clientSide.whenReady = act;
      pair.clientSide.whenEnded = [&] { CHECK(pair.clientSide.received.size() == answer.size()); };  // first
      pair.dispatcher.run();
      CHECK(pair.clientSide.received.size() == answer.size());
      CHECK(pair.clientSide.closed == 1);
      // A reset is never told as an end in order, although the failed write took the kernel's word of it.
      CHECK(pair.clientSide.eof == finFirst);
      CHECK(pair.clientSide.code == (finFirst ? EPIPE : ECONNRESET));
    }
  }
}

TEST_CASE("connection: a write that fails inside onRead() does not reorder what was read") {
  event::Dispatcher dispatcher;
  ReadBlocks blocks;
  Script script;
  Recorder side;
  auto connection = Connection::accepted(dispatcher, blocks, std::make_unique<ScriptedTransport>(script), side);
  std::string sent;
  auto arrive = [&](char c, size_t n) {
    script.arrives(std::string(n, c));
    sent += std::string(n, c);
  };
  arrive('a', 300 * 1024);  // reads grow until one fills more than a block
  arrive('b', 20);
  script.reads.push_back({IoResult::end(), ""});
  side.whenRead = [&] {
    if (side.bytes < 200 * 1024 || script.writeError != 0) return;
    script.writeError = ECONNRESET;
    connection->output().append("x");
    connection->flush();
  };
  script.events->onTransportReady(ready::kRead);
  CHECK((side.received == sent));
  CHECK_FALSE(side.eof);
  CHECK(side.closed == 1);
  CHECK(side.code == ECONNRESET);
  CHECK(script.closed);
}

TEST_CASE("connection: reading can be toggled at any time and nothing is lost") {
  Pair pair;
  std::string text;
  for (int i = 0; text.size() < 4 * 1024 * 1024; ++i)
    text += std::to_string(i) + " ";
  pair.clientSide.whenReady = [&] {
    pair.client->output().append(text);
    pair.client->endOutput();
    pair.client->flush();
  };
  auto resume = pair.dispatcher.createTimer([&] {
    pair.server->setReadEnabled(false);
    pair.server->setReadEnabled(true);
  });
  int reads = 0;
  pair.serverSide.whenRead = [&] {
    pair.server->setReadEnabled(false);
    if (++reads % 3 == 0) {
      resume->enable(microseconds(100));  // the loop turns in the meantime: the watch really ends
    } else {
      pair.server->setReadEnabled(true);
    }
  };
  pair.serverSide.whenEnded = [&] { pair.dispatcher.exit(); };
  pair.dispatcher.run();
  CHECK((pair.serverSide.received == text));
  CHECK(reads > 3);
}

TEST_CASE("connection: back-pressure that comes and goes within a turn costs no change of the watch") {
  event::Dispatcher dispatcher;
  ReadBlocks blocks;
  Script script;
  Recorder side;
  auto connection = Connection::accepted(dispatcher, blocks, std::make_unique<ScriptedTransport>(script), side);
  const std::vector<uint32_t> reading{ready::kRead};
  CHECK(script.watched == reading);
  side.whenRead = [&] {
    connection->setReadEnabled(false);
    connection->setReadEnabled(true);
  };
  script.arrives("x");
  script.events->onTransportReady(ready::kRead);
  CHECK(script.watched == reading);
  // What is not wanted for longer is told once in vain.
  connection->setReadEnabled(false);
  CHECK(script.watched == reading);
  script.arrives("y");
  script.events->onTransportReady(ready::kRead);
  CHECK(script.watched == std::vector<uint32_t>{ready::kRead, 0});
  connection->setReadEnabled(true);
  CHECK(script.watched == std::vector<uint32_t>{ready::kRead, 0, ready::kRead});
  script.events->onTransportReady(ready::kRead);
  CHECK(side.received == "xy");
}

TEST_CASE("connection: a handshake waits for what it wants, and only then output flows") {
  event::Dispatcher dispatcher;
  ReadBlocks blocks;
  Script script;
  script.handshakes = {IoResult::again(ready::kRead), IoResult::again(ready::kWrite), IoResult::moved(0)};
  ScriptedConnector connector(script);
  Recorder side;
  auto connection = Connection::connectTo(dispatcher, blocks, connector, {}, SocketOptions{}, side);
  connection->output().append("hello");
  connection->flush();
  script.events->onTransportReady(ready::kWrite);
  CHECK(side.tcpConnected == 1);
  CHECK(is(*connection, Connection::State::kHandshaking));
  CHECK(connection->connecting());
  script.events->onTransportReady(ready::kRead);
  script.arrives("early");
  CHECK(side.ready == 0);
  CHECK(script.written.empty());
  script.events->onTransportReady(ready::kWrite);
  CHECK(side.tcpConnected == 1);
  CHECK(side.ready == 1);
  CHECK(connection->open());
  CHECK(script.written == "hello");
  const uint32_t read = ready::kRead, write = ready::kWrite;
  CHECK(script.watched == std::vector<uint32_t>{write, read, write, read | write, read});
  CHECK(side.received.empty());
  script.events->onTransportReady(ready::kRead);
  CHECK(side.received == "early");
}

TEST_CASE("connection: a handshake that the remote side ends or breaks is told with its errno") {
  const std::pair<IoResult, int> cases[] = {{IoResult::end(), ECONNRESET}, {IoResult::failed(EPROTO), EPROTO}};
  for (const auto& [outcome, code] : cases) {
    event::Dispatcher dispatcher;
    ReadBlocks blocks;
    Script script;
    script.handshakes = {IoResult::again(ready::kRead), outcome};
    ScriptedConnector connector(script);
    Recorder side;
    auto connection = Connection::connectTo(dispatcher, blocks, connector, {}, SocketOptions{}, side);
    script.events->onTransportReady(ready::kWrite);
    script.events->onTransportReady(ready::kRead);
    CHECK(side.ready == 0);
    CHECK(side.closed == 1);
    CHECK(side.code == code);
    CHECK(script.closed);
  }
}
