#include "h1/head_scanner.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::http::h1 {
namespace {

using Status = HeadScanner::Status;
using Kind = HeadScanner::Kind;

CodecLimits limits() {
  CodecLimits l;
  l.maxRequestLineSize = 40;
  l.maxHeaderFieldSize = 30;
  l.maxHeaderListSize = 100;
  l.maxHeaderCount = 5;
  return l;
}

/// "<lines>|<rest>", or the fault; fed in pieces of `step` bytes.
std::string scan(const std::string& text, size_t step, Kind kind = Kind::kRequest) {
  const CodecLimits l = limits();
  HeadScanner scanner(kind, l);
  for (size_t at = 0; at < text.size();) {
    const std::string piece = text.substr(at, step);  // gone after this turn, as a connection's reads are
    std::string_view in(piece);
    const Status status = scanner.feed(in);
    at += piece.size() - in.size();
    if (status == Status::kFault) return std::to_string(scanner.fault().status) + " " + scanner.fault().detail;
    if (status == Status::kComplete) {
      CHECK(scanner.section().size() == scanner.lines().text.size() + 2);
      return std::to_string(scanner.lines().count) + " " + std::string(scanner.lines().text) + "|" + text.substr(at);
    }
    CHECK(in.empty());
  }
  return scanner.started() ? "more" : "nothing";
}

void everyStep(const std::string& text, const std::string& expected, Kind kind = Kind::kRequest) {
  for (size_t step = 1; step <= text.size() + 1; ++step) {
    CAPTURE(step);
    CHECK(scan(text, step, kind) == expected);
  }
}

TEST_CASE("HeadScanner: the same section however it is cut") {
  everyStep("GET / HTTP/1.1\r\na: b\r\n\r\nbody", "2 GET / HTTP/1.1\r\na: b\r\n|body");
  everyStep("\r\nGET / HTTP/1.1\r\n\r\n", "1 GET / HTTP/1.1\r\n|");
  everyStep("\r\n", "0 |", Kind::kTrailers);
  everyStep("x: y\r\n\r\nGET", "1 x: y\r\n|GET", Kind::kTrailers);
  everyStep("GET / HTTP/1.1\r\na: b\r\n\r", "more");
  CHECK(scan("", 1) == "nothing");
}

TEST_CASE("HeadScanner: limits are met exactly") {
  const auto line = [](size_t n) { return std::string(n, 'l') + "\r\n"; };
  everyStep(line(40) + line(30) + "\r\n", "2 " + line(40) + line(30) + "|");
  everyStep(line(41), "414 start line over the limit");
  everyStep(line(40) + line(31), "431 field over the limit");
  everyStep(line(31), "431 field over the limit", Kind::kTrailers);
  // 140 bytes of lines with their ends, all but the last's.
  everyStep(line(40) + line(30) + line(30) + line(30) + "\r\n",
            "4 " + line(40) + line(30) + line(30) + line(30) + "|");
  everyStep(line(40) + line(30) + line(30) + line(30) + line(5), "431 header section over the limit");
  everyStep("\r\n" + line(40) + line(30) + line(30) + line(30) + "\r\n",
            "4 " + line(40) + line(30) + line(30) + line(30) + "|");
  std::string many;
  for (int i = 0; i < 6; ++i)
    many += "a\r\n";
  everyStep(many + "\r\n", "6 " + many + "|");
  everyStep(many + "a\r\n\r\n", "431 too many fields");
}

TEST_CASE("HeadScanner: one that is restarted begins anew") {
  const CodecLimits l = limits();
  HeadScanner scanner(Kind::kRequest, l);
  for (const char* text : {"one\r\na", "two\r\n\r\n"}) {
    scanner.restart();
    CHECK_FALSE(scanner.started());
    std::string_view in(text);
    scanner.feed(in);
  }
  CHECK(scanner.lines().text == "two\r\n");
}

}  // namespace
}  // namespace peerpulse::http::h1
