// Goal: an answer is taken whole however it comes, and whoever does not answer, or answers without end, is left in time.
#include "http_client.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <doctest/doctest.h>

#include "accept_soon.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/net/socket.h"

namespace peerpulse::cli {
namespace {

/// Takes one connection, reads the head of the request, and sends `answer` in pieces; then closes, or holds on.
class OneAnswer {
 public:
  OneAnswer(std::string answer, size_t piece, bool holdOn)
      : listener_(std::move(*net::createListenSocket(*SocketAddress::parse("127.0.0.1:0"), 1))),
        address(net::localAddress(listener_.get())),
        thread_([this, answer = std::move(answer), piece, holdOn] { serve(answer, piece, holdOn); }) {}
  ~OneAnswer() { thread_.join(); }

 private:
  void serve(const std::string& answer, size_t piece, bool holdOn) {
    const Fd connection = acceptSoon(listener_.get());
    if (!connection.valid()) return;
    char byte;
    while (!request.ends_with("\r\n\r\n") && ::recv(connection.get(), &byte, 1, 0) == 1)
      request += byte;
    for (size_t i = 0; i < answer.size(); i += piece) {
      if (::send(connection.get(), answer.data() + i, std::min(piece, answer.size() - i), MSG_NOSIGNAL) < 0) return;
    }
    if (holdOn) (void)::recv(connection.get(), &byte, 1, 0);
  }

  Fd listener_;

 public:
  std::string request;
  SocketAddress address;

 private:
  std::thread thread_;
};

HttpRequest get(const std::string& path) {
  HttpRequest request;
  request.path = path;
  request.authority = "localhost";
  return request;
}

TEST_CASE("http_client: answers in pieces, with a length, in chunks, and until the end") {
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{4096}}) {
    for (const char* answer :
         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
          "HTTP/1.0 200 OK\r\n\r\nhello"}) {
      CAPTURE(answer);
      OneAnswer server(answer, piece, false);
      const auto response = httpRequest(server.address, get("/a"), Deadline(seconds(5)));
      REQUIRE(response.has_value());
      CHECK(response->status == 200);
      CHECK(response->body == "hello");
    }
  }
}

TEST_CASE("http_client: whoever says nothing is left at the deadline") {
  OneAnswer server("", 1, true);
  const auto response = httpRequest(server.address, get("/"), Deadline(milliseconds(50)));
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().code == ETIMEDOUT);
}

TEST_CASE("http_client: answers that are none, cut off, or too large") {
  const std::string large = "HTTP/1.1 200 OK\r\n\r\n" + std::string(kMaxBody + 1, 'x');
  for (const auto& entry : {std::pair<std::string, int>{"\x15\x03\x01\x02\x02", EPROTO},
                            {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", ECONNRESET},
                            {large, EMSGSIZE}}) {
    const std::string& answer = entry.first;
    const std::string begin = answer.substr(0, 50);
    CAPTURE(begin);
    OneAnswer server(answer, 65536, false);
    const auto response = httpRequest(server.address, get("/"), Deadline(seconds(5)));
    REQUIRE_FALSE(response.has_value());
    CHECK(response.error().code == entry.second);
  }
}

TEST_CASE("http_client: whoever sends without an end is left at the deadline, too") {
  std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 100'000; ++i)
    answer += "1\r\nx\r\n";
  OneAnswer server(answer, 6, false);
  const auto response = httpRequest(server.address, get("/"), Deadline(milliseconds(20)));
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().code == ETIMEDOUT);
}

constexpr const char* kStreamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

TEST_CASE("http_client: a stream is given as it comes, until nobody wants more") {
  OneAnswer server(std::string(kStreamHead) + "first", 4096, true);
  std::string got;
  const auto done = httpStream(server.address, get("/events"), Deadline(seconds(5)), {.type = "text/event-stream"},
                               [&](std::string_view text) {
                                 got += text;
                                 return got != "first";
                               });
  CHECK(done.has_value());
  CHECK(got == "first");
}

TEST_CASE("http_client: a stream that falls silent is left") {
  OneAnswer server(std::string(kStreamHead) + "first", 4096, true);
  std::string got;
  const auto done =
      httpStream(server.address, get("/events"), Deadline(seconds(5)),
                 {.type = "text/event-stream", .silence = milliseconds(50)}, [&](std::string_view text) {
                   got += text;
                   return true;
                 });
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == ETIMEDOUT);
  CHECK(got == "first");
}

TEST_CASE("http_client: an error, or a page, instead of a stream is an answer") {
  for (const char* answer : {"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy",
                             "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nbusy"}) {
    OneAnswer server(answer, 4096, false);
    const auto done = httpStream(server.address, get("/events"), Deadline(seconds(5)), {.type = "text/event-stream"},
                                 [](std::string_view) { return true; });
    REQUIRE(done.has_value());
    CHECK(done->body == "busy");
  }
}

}  // namespace
}  // namespace peerpulse::cli
