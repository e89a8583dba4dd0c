// Goal: events are whole however the bytes come, and what is too long costs no memory.
#include "event_stream.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

std::vector<std::string> fedBy(const std::string& text, size_t piece, std::string* lastId = nullptr) {
  EventStream stream;
  std::vector<std::string> events;
  for (size_t i = 0; i < text.size(); i += piece)
    stream.feed(text.substr(i, piece), [&](const std::string& data) { events.push_back(data); });
  if (lastId != nullptr) *lastId = stream.lastId();
  return events;
}

TEST_CASE("event_stream: at every cut the same events") {
  const std::string text =
      ": hello\n\nid: 7\nevent: transition\ndata: {\"a\":1}\n\ndata:x\r\ndata: y\r\n\r\nid: 9\ndata: unfinished";
  const std::vector<std::string> expected{"{\"a\":1}", "x\ny"};
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    CAPTURE(piece);
    std::string lastId;
    CHECK(fedBy(text, piece, &lastId) == expected);
    CHECK(lastId == "7");
  }
}

TEST_CASE("event_stream: endless lines and events are bounded") {
  const std::string much(EventStream::kMaxEvent + 100, 'x');
  CHECK(fedBy("data: " + much, 4096).empty());
  std::string lines = "data: first\n";
  for (int i = 0; i < 3; ++i)
    lines += "data: " + std::string(EventStream::kMaxEvent / 2, 'y') + "\n";
  const auto events = fedBy(lines + "\n", 4096);
  REQUIRE(events.size() == 1);
  CHECK(events[0].size() <= EventStream::kMaxEvent + 3);
}

}  // namespace
}  // namespace peerpulse::cli
