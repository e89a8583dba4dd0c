// Goal: a quorum is answered with its last acknowledgement or its last hope; who is not needed holds up nobody.
#include "fan_run.h"

#include <algorithm>

#include "fanout_world.h"

using namespace peerpulse;
using namespace peerpulse::fanout;
using namespace peerpulse::fanout::test;
using peerpulse::test::ServedRequest;

TEST_CASE("fan run: dead peers cost nothing, and a lost quorum is told at once") {
  FanoutWorld w;
  w.die(0);
  w.die(1);
  ClientRequest& request = w.ask("PUT", "/quorum/hang", "data", {{"peerpulse-quorum", "2"}});
  w.until([&] { return request.done(); }, milliseconds(5));
  CHECK(request.head.status == 503);
  CHECK(w.remote(2).requests.empty());
}

TEST_CASE("fan run: a peer that dies while all wait for it is the last hope of its quorum") {
  FanoutWorld w;
  w.remote(0).onRequest = [](ServedRequest& served) { served.head.path = "/hang"; };
  ClientRequest& request = w.ask("PUT", "/quorum/ok", "", {{"peerpulse-quorum", "all"}});
  w.run(milliseconds(100));
  CHECK_FALSE(request.gotHead);
  w.die(0);
  w.until([&] { return request.done(); }, milliseconds(5));
  CHECK(request.head.status == 503);
  CHECK(nlohmann::json::parse(request.body)["achieved"] == 2);
}

TEST_CASE("fan run: a peer that takes nothing is let go of when the others have waited for it") {
  FanoutWorld w([](Options& o) { o.replayLimit = 64 * 1024; });
  const std::string large(4 << 20, 'x');
  for (size_t i = 0; i < FanoutWorld::kPeers; ++i) {
    w.remote(i).onRequest = [i](ServedRequest& served) {
      if (i == 0) served.takes = false;
    };
  }
  ClientRequest& request = w.ask("PUT", "/quorum/x", large, {{"peerpulse-quorum", "2"}});
  w.until([&] { return w.remote(1).requests.size() == 1 && w.remote(1).last().ended && w.remote(2).last().ended; },
          seconds(5));
  w.remote(1).last().answer(200, "");
  w.remote(2).last().answer(200, "");
  const nlohmann::json answer = w.answerTo(request);
  CHECK(answer["achieved"] == 2);
  CHECK(answer["peers"][0]["state"] == "cancelled");
  CHECK(w.remote(1).last().body == large);
}

TEST_CASE(
    "fan run: a caller that does not come to the end of its body holds an aggregate no longer than a peer does") {
  FanoutWorld w;
  ClientRequest& request = w.caller().open("GET", "/aggregate/x");
  const TimePoint begun = w.time.now();
  const nlohmann::json answer = w.answerTo(request);
  CHECK(answer["partial"] == true);
  CHECK(w.time.now() - begun < w.options.peerTimeout + milliseconds(100));
}

TEST_CASE("fan run: a notification that is not here in the caller's time is not accepted, and nobody has it") {
  enum class LastByte : uint8_t { kInTime, kLate, kInTimeAndEndLate };
  for (const bool sized : {false, true}) {
    for (const LastByte last : {LastByte::kInTime, LastByte::kLate, LastByte::kInTimeAndEndLate}) {
      CAPTURE(sized);
      CAPTURE(static_cast<int>(last));
      FanoutWorld w;
      http::HeaderList fields;
      fields.add("peerpulse-timeout", "100ms");
      if (sized) fields.add("content-length", "7");
      ClientRequest& request = w.caller().open("POST", "/notify/echo", fields);
      request.stream->sendData(Slice::copyOf("half"));
      if (last == LastByte::kInTimeAndEndLate) request.stream->sendData(Slice::copyOf("end"));
      w.run(milliseconds(last == LastByte::kInTime ? 50 : 150));
      if (last != LastByte::kInTimeAndEndLate) request.stream->sendData(Slice::copyOf("end"));
      request.stream->sendEnd({});
      w.until([&] { return request.done(); });
      const bool accepted = last == LastByte::kInTime || (sized && last == LastByte::kInTimeAndEndLate);
      CHECK(request.head.status == (accepted ? 202 : 504));
      w.run(milliseconds(50));
      const auto whole = [sized](const auto& served) {
        return served->body == "halfend" && (sized || served->ended);
      };
      for (size_t i = 0; i < FanoutWorld::kPeers; ++i) {
        const auto& requests = w.remote(i).requests;
        CHECK(std::any_of(requests.begin(), requests.end(), whole) == accepted);
      }
    }
  }
}
