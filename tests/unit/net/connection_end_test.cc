// Goal: every way of ending is told once and in order, each direction for itself, and after what was received.
// Method: as connection_test.cc; a raw socket where one side must do what a Connection never does.
#include <cerrno>
#include <string>
#include <sys/socket.h>
#include <utility>

#include <doctest/doctest.h>

#include "connection_fixture.h"
#include "scripted_transport.h"

using namespace peerpulse;
using namespace peerpulse::net;
using namespace peerpulse::net::test;
using peerpulse::test::Script;
using peerpulse::test::ScriptedConnector;
using peerpulse::test::ScriptedTransport;

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
  auto connection = Connection::connectTo(dispatcher, blocks, connector, SocketAddress(), SocketOptions{}, side);
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
  // A turn takes some time at most: a slow machine needs several.
  for (int turn = 0; turn < 100 && side.closed == 0; ++turn)
    script.events->onTransportReady(ready::kRead);
  CHECK((side.received == sent));
  CHECK_FALSE(side.eof);
  CHECK(side.closed == 1);
  CHECK(side.code == ECONNRESET);
  CHECK(script.closed);
}

TEST_CASE("connection: of what a fast sender has one turn reads a part, so that others get theirs") {
  event::Dispatcher dispatcher;
  ReadBlocks blocks;
  Script script;
  Recorder side;
  auto connection = Connection::accepted(dispatcher, blocks, std::make_unique<ScriptedTransport>(script), side);
  constexpr size_t kAll = 1024 * 1024;
  script.arrives(std::string(kAll, 'x'));
  script.events->onTransportReady(ready::kRead);
  CHECK(side.bytes > 0);
  CHECK(side.bytes <= kAll / 2);
  for (int turn = 0; turn < 1000 && side.bytes < kAll; ++turn)
    script.events->onTransportReady(ready::kRead);
  CHECK(side.bytes == kAll);
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
    auto connection = Connection::connectTo(dispatcher, blocks, connector, SocketAddress(), SocketOptions{}, side);
    script.events->onTransportReady(ready::kWrite);
    script.events->onTransportReady(ready::kRead);
    CHECK(side.ready == 0);
    CHECK(side.closed == 1);
    CHECK(side.code == code);
    CHECK(script.closed);
  }
}
