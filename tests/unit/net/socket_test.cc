// Goal: options that a kernel lacks or would refuse never fail a connection, and TCP_INFO says what happened.
// Method: real sockets over loopback.
#include "peerpulse/net/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>

#include "peerpulse/net/kernel_features.h"

using namespace peerpulse;
using namespace peerpulse::net;

namespace {

constexpr int kRtoMaxMs = 44, kRtoMinUs = 45;

int optionOf(int fd, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, IPPROTO_TCP, name, &value, &length) == 0 ? value : -1;
}

struct Pair {
  Pair() {
    listener = std::move(*createListenSocket(*SocketAddress::parse("127.0.0.1:0"), 4));
    client = std::move(*createStreamSocket(localAddress(listener.get())));
    REQUIRE(startConnect(client.get(), localAddress(listener.get())));
    server = Fd(::accept(listener.get(), nullptr, nullptr));
    REQUIRE(server.valid());
  }
  Fd listener, client, server;
};

}  // namespace

TEST_CASE("socket options: what the kernel has is set, the rest is left out") {
  const KernelFeatures& kernel = kernelFeatures();
  CHECK(&kernel == &kernelFeatures());
  CHECK(kernel.userTimeout);
  CHECK(kernel.tcpInfoBytes >= 104);
  SocketOptions options;
  options.userTimeout = milliseconds(1500);
  options.rtoMin = milliseconds(20);
  options.rtoMax = seconds(2);
  auto fd = createStreamSocket(*SocketAddress::parse("127.0.0.1:1"));
  REQUIRE(fd);
  REQUIRE(applyOptions(fd->get(), options));
  CHECK(optionOf(fd->get(), TCP_USER_TIMEOUT) == 1500);
  CHECK(optionOf(fd->get(), kRtoMinUs) == (kernel.rtoMin() ? 20'000 : -1));
  CHECK(optionOf(fd->get(), kRtoMaxMs) == (kernel.rtoMax ? 2000 : -1));
}

TEST_CASE("socket options: values beyond the kernel's limits become the nearest it takes") {
  const KernelFeatures& kernel = kernelFeatures();
  struct {
    Duration rtoMin, rtoMax;
    int expectedMin, expectedMax;
  } const cases[] = {
      {microseconds(1), milliseconds(1), 0, 1000},
      {seconds(5), seconds(500), 200'000, 120'000},
  };
  for (const auto& c : cases) {
    SocketOptions options;
    options.rtoMin = c.rtoMin;
    options.rtoMax = c.rtoMax;
    auto fd = createStreamSocket(*SocketAddress::parse("[::1]:1"));
    if (!fd) fd = createStreamSocket(*SocketAddress::parse("127.0.0.1:1"));
    REQUIRE(fd);
    REQUIRE(applyOptions(fd->get(), options));
    if (kernel.rtoMin()) {
      const int set = optionOf(fd->get(), kRtoMinUs);
      if (c.expectedMin > 0) {
        CHECK(set == c.expectedMin);
      } else {
        CHECK(set >= kernel.rtoMinFloor / microseconds(1));
        CHECK(set <= 20'000);
      }
    }
    if (kernel.rtoMax) CHECK(optionOf(fd->get(), kRtoMaxMs) == c.expectedMax);
  }
}

TEST_CASE("socket options: several threads may ask first") {
  const KernelFeatures* seen[4] = {};
  std::thread threads[4];
  for (int i = 0; i < 4; ++i)
    threads[i] = std::thread([&seen, i] { seen[i] = &kernelFeatures(); });
  for (auto& thread : threads)
    thread.join();
  for (const auto* features : seen)
    CHECK(features == &kernelFeatures());
}

TEST_CASE("send state: a retransmission is overdue when the path's round trip is over") {
  TcpInfo info;
  info.rtt = milliseconds(1);
  info.rttVariation = milliseconds(1);
  info.unacked = 3;
  info.retransmits = 2;
  info.lastDataSent = milliseconds(30);
  info.lastAckReceived = milliseconds(700);
  info.segmentsIn = 10;
  info.dataSegmentsIn = 4;
  const SendState silent = sendStateOf(info);
  CHECK(silent.outstanding);
  CHECK(silent.repeated == 2);
  CHECK(silent.overdue);
  CHECK_FALSE(silent.heardSince);
  CHECK(silent.bareAcks == 6U);
  TcpInfo onItsWay = info;  // sent again a moment ago
  onItsWay.lastDataSent = milliseconds(20);
  CHECK_FALSE(sendStateOf(onItsWay).overdue);
  TcpInfo far = info;
  far.rtt = milliseconds(40);
  CHECK_FALSE(sendStateOf(far).overdue);
  TcpInfo heard = info;
  heard.lastAckReceived = milliseconds(30);
  CHECK(sendStateOf(heard).heardSince);
  TcpInfo old = info;  // a kernel that does not count
  old.dataSegmentsIn.reset();
  CHECK_FALSE(sendStateOf(old).bareAcks.has_value());
}

TEST_CASE("send state: probes of a closed window are repetitions, of the last of which nothing is known") {
  TcpInfo info;
  info.notSentBytes = 1000;
  info.lastDataSent = seconds(60);
  CHECK(sendStateOf(info).outstanding);
  CHECK(sendStateOf(info).repeated == 0);
  info.probes = 4;
  CHECK(sendStateOf(info).repeated == 4);
  CHECK_FALSE(sendStateOf(info).overdue);
}

TEST_CASE("send state: of a real connection: what was sent is outstanding until it is acknowledged") {
  Pair pair;
  REQUIRE(::write(pair.client.get(), "x", 1) == 1);
  const auto info = readTcpInfo(pair.client.get());
  REQUIRE(info);
  CHECK_FALSE(sendStateOf(*info).outstanding);  // loopback acknowledges at once
  CHECK(sendStateOf(*info).repeated == 0);
}

TEST_CASE("tcp info: segments are counted, ages are of the last ACK and the last data") {
  Pair pair;
  const std::string text(1000, 'x');
  for (int i = 0; i < 10; ++i) {
    REQUIRE(::write(pair.client.get(), text.data(), text.size()) == 1000);
    char received[1000];
    REQUIRE(::recv(pair.server.get(), received, sizeof received, MSG_WAITALL) == 1000);
    REQUIRE(::write(pair.server.get(), "ok", 2) == 2);
    char answer[2];
    REQUIRE(::recv(pair.client.get(), answer, sizeof answer, MSG_DONTWAIT) <= 2);
  }
  const auto info = readTcpInfo(pair.client.get());
  REQUIRE(info);
  CHECK(info->unacked <= 1);
  CHECK(info->totalRetransmits == 0);
  CHECK(info->lastAckReceived < seconds(1));
  CHECK(info->lastDataReceived < seconds(1));
  if (info->segmentsOut) CHECK(*info->segmentsOut >= 11);  // SYN and ten writes
  if (info->segmentsIn) CHECK(*info->segmentsIn >= 11);
  if (info->delivered) CHECK(*info->delivered >= 9);
  if (info->notSentBytes) CHECK(*info->notSentBytes == 0);
  if (info->outOfOrderReceived) CHECK(*info->outOfOrderReceived == 0);
}

TEST_CASE("tcp info: the kernel acknowledges what its process does not read") {
  Pair pair;
  std::this_thread::sleep_for(milliseconds(60));
  const auto idle = readTcpInfo(pair.client.get());
  REQUIRE(idle);
  CHECK(idle->lastAckReceived >= milliseconds(40));  // nothing was sent: an old ACK, and no evidence
  REQUIRE(::write(pair.client.get(), "upload", 6) == 6);
  // A delayed ACK takes up to 40 ms on loopback.
  for (int i = 0; i < 100 && readTcpInfo(pair.client.get())->unacked > 0; ++i)
    std::this_thread::sleep_for(milliseconds(5));
  const auto info = readTcpInfo(pair.client.get());
  REQUIRE(info);
  CHECK(info->unacked == 0);
  CHECK(info->lastAckReceived < info->lastDataReceived);
  CHECK(info->lastDataReceived >= milliseconds(40));
}

TEST_CASE("readableNow: a reset stays to be read") {
  Pair pair;
  net::setResetOnClose(pair.server.get());
  pair.server.reset();
  while (!readableNow(pair.client.get())) {
  }
  CHECK(readableNow(pair.client.get()));
  char byte;
  CHECK(::recv(pair.client.get(), &byte, 1, 0) == -1);
  CHECK(errno == ECONNRESET);
}

TEST_CASE("readableNow: bytes or an end, not silence") {
  Pair pair;
  CHECK_FALSE(readableNow(pair.client.get()));
  REQUIRE(::write(pair.server.get(), "x", 1) == 1);
  CHECK(readableNow(pair.client.get()));
  char byte;
  REQUIRE(::read(pair.client.get(), &byte, 1) == 1);
  CHECK_FALSE(readableNow(pair.client.get()));
  pair.server.reset();
  CHECK(readableNow(pair.client.get()));
}
