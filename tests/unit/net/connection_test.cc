// Goal: a Connection carries bytes unchanged under back-pressure, and only once it is ready.
// Method: two connections over loopback; a scripted transport where the calls themselves matter.
#include "peerpulse/net/connection.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "connection_fixture.h"
#include "scripted_transport.h"

using namespace peerpulse;
using namespace peerpulse::net;
using namespace peerpulse::net::test;
using peerpulse::test::Script;
using peerpulse::test::ScriptedConnector;
using peerpulse::test::ScriptedTransport;

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
  auto connection = Connection::connectTo(dispatcher, blocks, connector, SocketAddress(), SocketOptions{}, side);
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

TEST_CASE("connection: whoever left output behind when it became ready is told when that has gone") {
  event::Dispatcher dispatcher;
  ReadBlocks blocks;
  Script script;
  script.writeRoom = 2;
  ScriptedConnector connector(script);
  Recorder side;
  auto connection = Connection::connectTo(dispatcher, blocks, connector, SocketAddress(), SocketOptions{}, side);
  int writable = 0;
  side.whenReady = [&] {
    connection->output().append("hello");
    connection->flush();
    script.writeRoom = SIZE_MAX;  // the kernel has sent it meanwhile
  };
  side.whenWritable = [&] {
    if (++writable > 1) return;
    connection->output().append(", world");
    connection->flush();
  };
  script.events->onTransportReady(ready::kWrite);
  CHECK(script.written == "hello, world");
  CHECK(writable == 1);
}
