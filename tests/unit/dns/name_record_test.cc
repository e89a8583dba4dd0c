// Goal: what an answer changes, when the next question is due, and that the last good answer outlives all trouble.
#include "peerpulse/dns/name_record.h"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::dns;

namespace {

using State = NameRecord::State;

std::vector<std::string> texts(const NameRecord& record) {
  return record.addresses() == nullptr ? std::vector<std::string>{} : record.addresses()->texts();
}

struct World {
  Options options{.servers = {},
                  .timeout = seconds(1),
                  .tries = 3,
                  .minTtl = seconds(5),
                  .maxTtl = seconds(300),
                  .retry = seconds(1)};
  NameRecord record{options};
  TimePoint now{seconds(1000)};

  static Answer good(const std::vector<std::string>& addresses, Duration ttl = seconds(60)) {
    Answer answer{.status = Status::kOk, .addresses = {}, .ttl = ttl};
    for (const std::string& text : addresses)
      answer.addresses.push_back(SocketAddress::parse(text).value());
    return answer;
  }
  static Answer bad(Status status) { return {.status = status, .addresses = {}, .ttl = {}}; }
  NameRecord::Change round(Answer v4, Answer v6, double jitter = 0) {
    record.onAsked(now);
    const auto first = record.onAnswer(Family::kV4, std::move(v4), now, jitter);
    auto change = record.onAnswer(Family::kV6, std::move(v6), now, jitter);
    CHECK_FALSE(first.round);
    CHECK(change.round);
    change.addresses = change.addresses || first.addresses;
    return change;
  }
};

}  // namespace

TEST_CASE("name record: asks at once, and never while it asks") {
  World w;
  CHECK(w.record.state() == State::kUnknown);
  CHECK(w.record.nextAsk() <= w.now);
  w.record.onAsked(w.now);
  CHECK(w.record.nextAsk() == TimePoint::max());
  w.record.hurry(w.now);
  CHECK(w.record.nextAsk() == TimePoint::max());
}

TEST_CASE("name record: both families, IPv6 first, alternately") {
  World w;
  CHECK(w.round(World::good({"10.0.0.3:1", "10.0.0.2:1"}), World::good({"[fd00::3]:1", "[fd00::2]:1"})).addresses);
  CHECK(w.record.state() == State::kGood);
  CHECK(texts(w.record) == std::vector<std::string>{"[fd00::2]:1", "10.0.0.2:1", "[fd00::3]:1", "10.0.0.3:1"});
  CHECK(w.record.goodAt() == w.now);
}

TEST_CASE("name record: the first address is there as soon as one family has answered") {
  World w;
  w.record.onAsked(w.now);
  const auto first = w.record.onAnswer(Family::kV4, World::good({"10.0.0.2:1"}), w.now, 0);
  CHECK(first.addresses);
  CHECK_FALSE(first.round);
  CHECK(texts(w.record) == std::vector<std::string>{"10.0.0.2:1"});
  const auto second = w.record.onAnswer(Family::kV6, World::bad(Status::kTimeout), w.now + seconds(7), 0);
  CHECK(second.round);
  CHECK_FALSE(second.addresses);
  CHECK(w.record.status() == Status::kOk);
}

TEST_CASE("name record: later a family waits for the other, so that nothing is taken for gone") {
  World w;
  w.round(World::good({"10.0.0.2:1"}), World::good({"[fd00::2]:1"}));
  w.record.onAsked(w.now);
  CHECK_FALSE(w.record.onAnswer(Family::kV4, World::good({"10.0.0.9:1"}), w.now, 0).addresses);
  CHECK(texts(w.record) == std::vector<std::string>{"[fd00::2]:1", "10.0.0.2:1"});
  CHECK(w.record.onAnswer(Family::kV6, World::bad(Status::kServerFailure), w.now, 0).addresses);
  // What failed says nothing of its family.
  CHECK(texts(w.record) == std::vector<std::string>{"[fd00::2]:1", "10.0.0.9:1"});
}

TEST_CASE("name record: a family goes when the name says that it has none, and has the other") {
  World w;
  w.round(World::good({"10.0.0.2:1"}), World::good({"[fd00::2]:1"}));
  CHECK(w.round(World::good({"10.0.0.2:1"}), World::bad(Status::kNoAddress)).addresses);
  CHECK(texts(w.record) == std::vector<std::string>{"10.0.0.2:1"});
}

TEST_CASE("name record: whatever fails, the last good answer stays") {
  for (const Status status :
       {Status::kNoSuchName, Status::kNoAddress, Status::kTimeout, Status::kServerFailure, Status::kRefused,
        Status::kBadAnswer, Status::kUnreachable, Status::kLoop, Status::kOwnTrouble}) {
    CAPTURE(toString(status));
    World w;
    w.round(World::good({"10.0.0.2:1"}), World::bad(Status::kNoAddress));
    const TimePoint goodAt = w.now;
    w.now += seconds(60);
    CHECK_FALSE(w.round(World::bad(status), World::bad(status)).addresses);
    CHECK(w.record.state() == State::kStale);
    CHECK(w.record.status() == status);
    CHECK(w.record.goodAt() == goodAt);
    CHECK(texts(w.record) == std::vector<std::string>{"10.0.0.2:1"});
    CHECK_FALSE(w.round(World::good({"10.0.0.2:1"}), World::bad(Status::kNoAddress)).addresses);
    CHECK(w.record.state() == State::kGood);
  }
}

TEST_CASE("name record: a name that was never answered has failed, and comes back by its first address") {
  World w;
  CHECK_FALSE(w.round(World::bad(Status::kNoSuchName), World::bad(Status::kNoSuchName)).addresses);
  CHECK(w.record.state() == State::kFailed);
  CHECK(w.record.addresses() == nullptr);
  CHECK(w.record.goodAt() == TimePoint());
  CHECK(w.round(World::bad(Status::kNoAddress), World::good({"[fd00::2]:1"})).addresses);
  CHECK(w.record.state() == State::kGood);
}

TEST_CASE("name record: of two troubles the one on the way is told, and existence before absence") {
  World w;
  w.round(World::bad(Status::kNoSuchName), World::bad(Status::kTimeout));
  CHECK(w.record.status() == Status::kTimeout);
  w.round(World::bad(Status::kRefused), World::bad(Status::kNoSuchName));
  CHECK(w.record.status() == Status::kRefused);
  w.round(World::bad(Status::kNoAddress), World::bad(Status::kNoSuchName));
  CHECK(w.record.status() == Status::kNoAddress);
}

TEST_CASE("name record: TTLs count, within floor and cap, the shorter one of both families") {
  World w;
  w.round(World::good({"10.0.0.2:1"}, seconds(60)), World::good({"[fd00::2]:1"}, seconds(30)));
  CHECK(w.record.nextAsk() == w.now + seconds(30));
  w.round(World::good({"10.0.0.2:1"}, seconds(0)), World::bad(Status::kNoAddress));
  CHECK(w.record.nextAsk() == w.now + seconds(5));
  w.round(World::good({"10.0.0.2:1"}, seconds(86400)), World::bad(Status::kNoAddress));
  CHECK(w.record.nextAsk() == w.now + seconds(300));
  // With jitter: sooner, never later, and not below the floor.
  w.round(World::good({"10.0.0.2:1"}, seconds(100)), World::bad(Status::kNoAddress), 0.5);
  CHECK(w.record.nextAsk() == w.now + seconds(95));
  w.round(World::good({"10.0.0.2:1"}, seconds(5)), World::bad(Status::kNoAddress), 0.9);
  CHECK(w.record.nextAsk() == w.now + seconds(5));
}

TEST_CASE("name record: after a failure a fixed cadence, give or take a quarter") {
  World w;
  for (const double jitter : {0.0, 0.5, 0.99}) {
    w.round(World::bad(Status::kTimeout), World::bad(Status::kTimeout), jitter);
    CHECK(w.record.nextAsk() >= w.now + milliseconds(750));
    CHECK(w.record.nextAsk() <= w.now + milliseconds(1250));
  }
}

TEST_CASE("name record: who hurries is held to the floor") {
  World w;
  w.round(World::good({"10.0.0.2:1"}, seconds(300)), World::bad(Status::kNoAddress));
  w.record.hurry(w.now + seconds(1));
  CHECK(w.record.nextAsk() == w.now + seconds(5));
  w.record.hurry(w.now + seconds(7));
  CHECK(w.record.nextAsk() == w.now + seconds(5));
  World late;
  late.round(World::good({"10.0.0.2:1"}, seconds(300)), World::bad(Status::kNoAddress));
  late.record.hurry(late.now + seconds(100));
  CHECK(late.record.nextAsk() == late.now + seconds(100));
}

TEST_CASE("name record: the order of an answer changes nothing, nor do repetitions") {
  World w;
  w.round(World::good({"10.0.0.2:1", "10.0.0.3:1"}), World::bad(Status::kNoAddress));
  const AddressSetRef before = w.record.addresses();
  CHECK_FALSE(
      w.round(World::good({"10.0.0.3:1", "10.0.0.2:1", "10.0.0.3:1"}), World::bad(Status::kNoAddress)).addresses);
  CHECK(w.record.addresses() == before);
  CHECK(w.round(World::good({"10.0.0.3:1"}), World::bad(Status::kNoAddress)).addresses);
}

TEST_CASE("name record: of fifty addresses the same sixteen are used, whatever their order") {
  World w;
  std::vector<std::string> fifty;
  for (int i = 1; i <= 50; ++i)
    fifty.push_back("10.0.0." + std::to_string(i) + ":1");
  CHECK(w.round(World::good(fifty), World::good({"[fd00::1]:1"})).addresses);
  CHECK(texts(w.record).size() == NameRecord::kMaxAddresses);
  CHECK(w.record.leftOut() == 51 - NameRecord::kMaxAddresses);
  CHECK(texts(w.record)[0] == "[fd00::1]:1");
  CHECK(texts(w.record)[1] == "10.0.0.1:1");
  std::reverse(fifty.begin(), fifty.end());
  CHECK_FALSE(w.round(World::good(fifty), World::good({"[fd00::1]:1"})).addresses);
}
