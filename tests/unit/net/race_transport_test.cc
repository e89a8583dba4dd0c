// Goal: who is connected first is the connection; a failure starts the next attempt at once, silence after the delay; the race
// fails only when all have, by what says most of the peer.
#include "peerpulse/net/race_transport.h"

#include <cerrno>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "manual_scheduler.h"
#include "peerpulse/net/connection.h"

using namespace peerpulse;
using namespace peerpulse::net;

namespace {

/// One attempt, as the test has it.
struct Entrant {
  TransportEvents* events = nullptr;
  int result = 0;
  bool closed = false;
  bool reset = false;
  std::string written;
  void finishes(int error) {
    result = error;
    events->onTransportReady(ready::kWrite);
  }
};

class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(Entrant& entrant) : entrant_(entrant) {}
  ~FakeTransport() override { entrant_.closed = true; }
  void attach(TransportEvents& events) override { entrant_.events = &events; }
  void watch(uint32_t) override {}
  int connectResult() override { return entrant_.result; }
  IoResult handshake() override { return IoResult::moved(0); }
  IoResult read(const iovec*, int) override { return IoResult::again(ready::kRead); }
  IoResult write(const iovec* entries, int count) override {
    size_t moved = 0;
    for (int i = 0; i < count; ++i) {
      entrant_.written.append(static_cast<const char*>(entries[i].iov_base), entries[i].iov_len);
      moved += entries[i].iov_len;
    }
    return IoResult::moved(moved);
  }
  Result<void> shutdownWrite() override { return {}; }
  void close(bool reset) override {
    entrant_.closed = true;
    entrant_.reset = reset;
  }
  bool readableNow() const override { return true; }
  std::optional<LastHeard> lastHeard() const override { return LastHeard{}; }
  int fd() const override { return 7; }

 private:
  Entrant& entrant_;
};

class FakeConnector final : public Connector {
 public:
  Result<std::unique_ptr<Transport>> connect(const SocketAddress& address, const SocketOptions&) override {
    const std::string text = address.toString();
    if (const auto fails = atOnce.find(text); fails != atOnce.end()) return systemError("connect", fails->second);
    return std::unique_ptr<Transport>(std::make_unique<FakeTransport>(entrants[text]));
  }
  std::map<std::string, int> atOnce;
  std::map<std::string, Entrant> entrants;
};

struct Recorder final : ConnectionCallbacks {
  void onTcpConnected() override { ++connected; }
  void onReady() override { ++readied; }
  void onRead(Slice) override {}
  void onEof() override {}
  void onWritable() override {}
  void onClosed(const Error& e) override {
    ++closed;
    error = e.code;
  }
  int connected = 0, readied = 0, closed = 0, error = 0;
};

struct Race {
  Race() {
    for (const char* text : {"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"})
      addresses.push_back(SocketAddress::parse(text).value());
  }
  void begin() {
    connection = Connection::connectTo(loop, blocks, connector, Destination(addresses), {}, recorder);
    loop.turn();
  }
  void pass(Duration time) {
    loop.advance(time);
    loop.turn();
  }
  Entrant& one() { return connector.entrants["10.0.0.1:1"]; }
  Entrant& two() { return connector.entrants["10.0.0.2:1"]; }
  Entrant& three() { return connector.entrants["10.0.0.3:1"]; }
  size_t begun() const { return connector.entrants.size(); }

  test::ManualScheduler loop;
  ReadBlocks blocks;
  FakeConnector connector;
  Recorder recorder;
  std::vector<SocketAddress> addresses;
  std::unique_ptr<Connection> connection;
};

}  // namespace

TEST_CASE("race: the first address alone, as long as it is quick") {
  Race race;
  race.begin();
  race.pass(kAttemptDelay - milliseconds(1));
  CHECK(race.begun() == 1);
  race.one().finishes(0);
  CHECK(race.recorder.connected == 1);
  CHECK(race.recorder.readied == 1);
  race.pass(seconds(10));
  CHECK(race.begun() == 1);
  CHECK_FALSE(race.one().closed);
}

TEST_CASE("race: silence begins the next one after the delay, and the first connected wins") {
  Race race;
  race.begin();
  race.pass(kAttemptDelay);
  CHECK(race.begun() == 2);
  CHECK_FALSE(race.one().closed);
  race.two().finishes(0);
  CHECK(race.recorder.readied == 1);
  CHECK(race.one().closed);
  CHECK_FALSE(race.one().reset);
  race.connection->output().append(Slice::copyOf("hello"));
  race.connection->flush();
  CHECK(race.two().written == "hello");
  CHECK(race.connection->fd() == 7);
  CHECK(race.connection->lastHeard());
  race.connection->abort();
  CHECK(race.two().reset);
}

TEST_CASE("race: a failure begins the next one at once, and is not told") {
  Race race;
  race.begin();
  race.one().finishes(ECONNREFUSED);
  CHECK(race.begun() == 2);
  CHECK(race.recorder.closed == 0);
  race.two().finishes(0);
  CHECK(race.recorder.readied == 1);
}

TEST_CASE("race: one that was slow may still win") {
  Race race;
  race.begin();
  race.pass(kAttemptDelay);
  race.pass(kAttemptDelay);
  CHECK(race.begun() == 3);
  race.one().finishes(0);
  CHECK(race.recorder.readied == 1);
  CHECK(race.two().closed);
  CHECK(race.three().closed);
}

TEST_CASE("race: when all fail, what says most of the peer is told, once") {
  for (const auto& [errors, told] :
       std::vector<std::pair<std::vector<int>, int>>{{{ENETUNREACH, ETIMEDOUT, EADDRNOTAVAIL}, ETIMEDOUT},
                                                     {{ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH}, ECONNREFUSED},
                                                     {{EMFILE, ENETUNREACH, EMFILE}, EMFILE}}) {
    Race race;
    race.begin();
    race.one().finishes(errors[0]);
    race.two().finishes(errors[1]);
    CHECK(race.recorder.closed == 0);
    race.three().finishes(errors[2]);
    CHECK(race.recorder.closed == 1);
    CHECK(race.recorder.error == told);
    race.pass(seconds(10));
    CHECK(race.recorder.closed == 1);
  }
}

TEST_CASE("race: addresses that cannot even be begun with are passed over") {
  Race race;
  race.connector.atOnce = {{"10.0.0.1:1", ENETUNREACH}, {"10.0.0.3:1", ENETUNREACH}};
  race.begin();
  CHECK(race.begun() == 1);
  race.two().finishes(EHOSTUNREACH);
  CHECK(race.recorder.closed == 1);
  CHECK(race.recorder.error == EHOSTUNREACH);
}

TEST_CASE("race: when none can be begun with it fails like any other connect") {
  Race race;
  race.connector.atOnce = {{"10.0.0.1:1", EMFILE}, {"10.0.0.2:1", EMFILE}, {"10.0.0.3:1", EMFILE}};
  race.begin();
  race.pass(Duration::zero());
  CHECK(race.recorder.closed == 1);
  CHECK(race.recorder.error == EMFILE);
}

TEST_CASE("race: closing it closes all attempts") {
  Race race;
  race.begin();
  race.pass(kAttemptDelay);
  race.connection->close();
  CHECK(race.one().closed);
  CHECK(race.two().closed);
  race.pass(seconds(10));
  CHECK(race.begun() == 2);
}

TEST_CASE("race: one address is no race") {
  Race race;
  race.addresses.resize(1);
  race.begin();
  race.pass(seconds(10));
  race.one().finishes(ECONNREFUSED);
  CHECK(race.recorder.error == ECONNREFUSED);
}
