// Goal: the real connections and codecs carry HTTP over a MemoryNetwork, byte for byte, whatever the windows and
// however reads and writes are split; every early end is told.
#include <ctime>
#include <functional>

#include "fixture.h"
#include "http_pair.h"

using namespace peerpulse;
using namespace peerpulse::test;

namespace {

struct HttpWorld {
  explicit HttpWorld(const NetworkOptions& options = {}, const HostOptions& hosts = {})
      : network(time, options), client(network.addHost("10.0.0.1", hosts)), peer(network.addHost("10.0.0.2", hosts)) {
    network.setPaths(client, peer, {.delay = milliseconds(1)});
  }
  ~HttpWorld() { time.runFor(seconds(2)); }  // farewells

  VirtualTime time;
  MemoryNetwork network;
  const HostId client, peer;
  VirtualScheduler clientLoop{time}, peerLoop{time};
  MemoryConnector clientConnector{network, client, clientLoop}, peerConnector{network, peer, peerLoop};
  wire::IoContext clientIo{clientLoop, clientConnector}, peerIo{peerLoop, peerConnector};
  const SocketAddress address = *SocketAddress::parse("10.0.0.2:9000");
  HttpServer server{peerIo};
  MemoryListener listener{network, peer, address};
  MemoryAcceptor acceptor{peerLoop, listener,
                          [this](std::unique_ptr<net::Transport> transport) { server.accept(std::move(transport)); }};
};

void checkEchoes(HttpWorld& world, bool http2) {
  {
    HttpClient client(world.clientIo, world.address, http2);
    REQUIRE(world.time.runUntil([&] { return client.ready(); }));
    for (const size_t size : {size_t{0}, size_t{1}, size_t{1'000}, size_t{300'000}}) {
      HttpClient::Call call;
      const std::string body = pattern(size);
      client.send(call, "POST", "/echo", body);
      REQUIRE(world.time.runUntil([&] { return call.closed || call.reset; }, seconds(600)));
      CHECK(call.status == 200);
      CHECK(call.ended);
      CHECK((call.body == body));
    }
    client.connection().close("done");
    CHECK(client.endKind() == wire::End::Kind::kLocal);
  }
  world.time.runFor(seconds(2));
  CHECK(world.network.openEnds(world.client) == 0);
  CHECK(world.network.openEnds(world.peer) == 0);
  CHECK(world.network.connections() == 0);
}

}  // namespace

TEST_CASE("memory http: bodies come back byte for byte, over wide and narrow windows, split or not") {
  for (const bool http2 : {false, true}) {
    for (const HostOptions& hosts : {HostOptions{}, HostOptions{.sendBuffer = 1'500, .receiveWindow = 700}}) {
      for (const uint32_t split : {0u, 70u}) {
        CAPTURE(http2);
        CAPTURE(hosts.receiveWindow);
        CAPTURE(split);
        HttpWorld world({.seed = 3, .splitPercent = split}, hosts);
        checkEchoes(world, http2);
      }
    }
  }
}

TEST_CASE("memory http: a bad path delays, and changes no byte") {
  for (const bool http2 : {false, true}) {
    HttpWorld world({.seed = 5, .splitPercent = 30});
    world.network.setPaths(world.client, world.peer,
                           {.delay = milliseconds(2), .jitter = milliseconds(5), .lossPerMillion = 50'000});
    checkEchoes(world, http2);
  }
}

TEST_CASE("memory http: many h2 streams on one connection share narrow windows") {
  HttpWorld world({.splitPercent = 50}, {.sendBuffer = 4'000, .receiveWindow = 2'000});
  HttpClient client(world.clientIo, world.address, true);
  REQUIRE(world.time.runUntil([&] { return client.ready(); }));
  std::deque<HttpClient::Call> calls(20);
  size_t size = 0;
  for (HttpClient::Call& call : calls)
    client.send(call, "POST", "/echo", pattern(size += 1'700));
  REQUIRE(world.time.runUntil([&] { return calls.back().closed; }, seconds(600)));
  world.time.runFor(seconds(60));
  size = 0;
  for (const HttpClient::Call& call : calls) {
    CHECK(call.closed);
    CHECK((call.body == pattern(size += 1'700)));
  }
}

TEST_CASE("memory http: a tunnel's directions end apart") {
  HttpWorld world({.splitPercent = 50}, {.sendBuffer = 500, .receiveWindow = 300});
  HttpClient client(world.clientIo, world.address, false);
  REQUIRE(world.time.runUntil([&] { return client.ready(); }));
  HttpClient::Call call;
  client.send(call, "GET", "/tunnel");
  REQUIRE(world.time.runUntil([&] { return call.status == 101; }));
  const std::string text = pattern(5'000);
  sendBody(*call.stream, text);
  call.stream->sendEnd();
  REQUIRE(world.time.runUntil([&] { return call.body.size() == text.size() + 3; }));
  CHECK((call.body == text + "bye"));
  CHECK(world.server.requests.front().ended);
  CHECK(world.server.requests.front().closed);
}

TEST_CASE("memory http: a reset in the middle of an answer is never taken for its end") {
  for (const bool http2 : {false, true}) {
    for (const uint32_t split : {0u, 70u}) {
      HttpWorld world({.splitPercent = split}, {.sendBuffer = 9'000, .receiveWindow = 5'000});
      HttpClient client(world.clientIo, world.address, http2);
      REQUIRE(world.time.runUntil([&] { return client.ready(); }));
      HttpClient::Call call;
      client.send(call, "GET", "/abort");
      REQUIRE(world.time.runUntil([&] { return call.reset.has_value(); }));
      CHECK(call.status == 200);
      CHECK_FALSE(call.ended);
      CHECK(call.reset == http::ResetReason::kConnectionClosed);
      CHECK(call.body.size() <= 5'000);
      CHECK(call.body.find_first_not_of('a') == std::string::npos);
      CHECK(world.network.openEnds(world.peer) == 0);
    }
  }
}

TEST_CASE("memory http: a client that goes in the middle of its request is seen to have gone") {
  for (const bool http2 : {false, true}) {
    HttpWorld world({}, {.sendBuffer = 9'000, .receiveWindow = 5'000});
    HttpClient client(world.clientIo, world.address, http2);
    REQUIRE(world.time.runUntil([&] { return client.ready(); }));
    HttpClient::Call call;
    client.send(call, "POST", "/echo", pattern(1'000'000));
    REQUIRE(world.time.runUntil(
        [&] { return !world.server.requests.empty() && world.server.requests.front().body.size() > 10'000; }));
    client.connection().abort("changed my mind");
    CHECK(call.reset == http::ResetReason::kConnectionClosed);
    world.time.runFor(seconds(1));
    const HttpServer::Request& request = world.server.requests.front();
    CHECK(request.reset == http::ResetReason::kConnectionClosed);
    CHECK_FALSE(request.ended);
    CHECK(world.server.lastEnd == wire::End::Kind::kBroken);
    CHECK(world.network.connections() == 0);
  }
}

TEST_CASE("memory http: a power cut is silence, and the reset after it breaks what was in flight") {
  for (const bool http2 : {false, true}) {
    HttpWorld world;
    HttpClient client(world.clientIo, world.address, http2);
    REQUIRE(world.time.runUntil([&] { return client.ready(); }));
    world.network.cutPower(world.peer);
    HttpClient::Call call;
    client.send(call, "POST", "/echo", pattern(100));
    world.time.runFor(seconds(5));
    CHECK_FALSE(call.reset);
    CHECK_FALSE(client.endKind());
    world.network.restorePower(world.peer);
    REQUIRE(world.time.runUntil([&] { return call.reset.has_value(); }));
    CHECK(client.endKind() == wire::End::Kind::kBroken);
  }
}

// How many exchanges a second the simulation can afford. Run by: support_test -ns -tc="*speed*"
TEST_CASE("memory http: speed of small exchanges on a kept connection" * doctest::skip()) {
  for (const bool http2 : {false, true}) {
    HttpWorld world;
    world.server.keepRequests = false;
    HttpClient client(world.clientIo, world.address, http2);
    REQUIRE(world.time.runUntil([&] { return client.ready(); }));
    constexpr int kCount = 200'000;
    const auto cpu = [] {
      timespec t{};
      ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
    };
    const double before = cpu();
    const uint64_t packets = world.network.packets();
    for (int i = 0; i < kCount; ++i) {
      HttpClient::Call call;
      client.send(call, "GET", "/bytes/100");
      REQUIRE(world.time.runUntil([&] { return call.closed; }));
      REQUIRE(call.body.size() == 100);
    }
    const double took = cpu() - before;
    MESSAGE((http2 ? "h2: " : "h1: ") << static_cast<int>(kCount / took) << " exchanges per second of CPU, "
                                      << static_cast<double>(world.network.packets() - packets) / kCount
                                      << " packets each");
  }
}
