// Goal: knocks tell apart what real sockets of this host do. Across hosts: tests/lab/test_diagnose.py.
#include "knocks.h"

#include <atomic>
#include <cerrno>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <utility>

#include <doctest/doctest.h>

#include "deadline.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/net/socket.h"

namespace peerpulse::cli {
namespace {

using namespace std::string_view_literals;
using Connect = ConnectAnswer::Kind;
using Speech = SpeechAnswer::Kind;

/// Gives every connection the same bytes after its first, until it is destroyed.
class Speaker {
 public:
  explicit Speaker(std::string_view words)
      : listener_(std::move(*net::createListenSocket(*SocketAddress::parse("127.0.0.1:0"), 8))),
        address(net::localAddress(listener_.get())),
        thread_([this, words] { serve(words); }) {}
  ~Speaker() {
    (void)::shutdown(listener_.get(), SHUT_RDWR);
    stopped_ = true;
    thread_.join();
  }

 private:
  void serve(std::string_view words) {
    while (!stopped_) {
      const Fd connection(::accept(listener_.get(), nullptr, nullptr));
      if (!connection.valid()) {
        std::this_thread::yield();
        continue;
      }
      char bytes[4096];
      (void)::recv(connection.get(), static_cast<void*>(bytes), sizeof bytes, 0);
      if (!words.empty()) (void)::send(connection.get(), words.data(), words.size(), MSG_NOSIGNAL);
      (void)::shutdown(connection.get(), SHUT_WR);
      while (::recv(connection.get(), static_cast<void*>(bytes), sizeof bytes, 0) > 0) {
      }
    }
  }

  Fd listener_;
  std::atomic<bool> stopped_ = false;

 public:
  SocketAddress address;

 private:
  std::thread thread_;
};

TEST_CASE("knocks: by what the other side says first") {
  const std::pair<std::string_view, Speech> kCases[] = {
      {"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", Speech::kHttp1},
      {"\x15\x03\x01\0\x02\x02\x46"sv, Speech::kTls},
      {"SSH-2.0-OpenSSH_9.2\r\n", Speech::kOther},
      {"", Speech::kClosed},
  };
  for (const auto& entry : kCases) {
    const std::string_view words = entry.first;
    const Speech kind = entry.second;
    CAPTURE(words);
    Speaker speaker(words);
    CHECK(knockByConnect(speaker.address, 0, seconds(5)).kind == Connect::kAccepted);
    CHECK(knockByHttp(speaker.address, 0).kind == kind);
    CHECK(knockByTls(speaker.address, 0) == (kind == Speech::kTls));
  }
}

TEST_CASE("knocks: a listener whose process takes nothing") {
  const Fd listener(std::move(*net::createListenSocket(*SocketAddress::parse("127.0.0.1:0"), 8)));
  const SocketAddress address = net::localAddress(listener.get());
  const TimePoint began = now();
  CHECK(knockByConnect(address, 0, seconds(5)).kind == Connect::kAccepted);
  CHECK(knockByHttp(address, 0).kind == Speech::kSilent);
  CHECK_FALSE(knockByTls(address, 0));
  CHECK(now() - began < seconds(5));
}

TEST_CASE("knocks: nobody listens") {
  SocketAddress address;
  {
    const Fd listener(std::move(*net::createListenSocket(*SocketAddress::parse("127.0.0.1:0"), 8)));
    address = net::localAddress(listener.get());
  }
  CHECK(knockByConnect(address, 0, seconds(5)).kind == Connect::kRefused);
  const HealthAnswer health = knockByHealthPath(address, "/health", false, 0);
  CHECK(health.asked);
  CHECK(health.status == 0);
  CHECK_FALSE(health.error.empty());
}

TEST_CASE("knocks: the health path") {
  Speaker speaker("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
  CHECK(knockByHealthPath(speaker.address, "/health", false, 0).status == 503);
}

TEST_CASE("knocks: echoes of the own host, or why not") {
  const EchoAnswer echo = knockByEcho(*SocketAddress::parse("127.0.0.1:0"));
  CHECK((echo.heard == Heard::kAnswered || echo.heard == Heard::kNotPermitted));
}

}  // namespace
}  // namespace peerpulse::cli
