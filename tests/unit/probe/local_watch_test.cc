// Goal: this host's state is reported once per change, and the carrier of the link that the peers are reached over
// is asked for only when their silence is judged.
#include "local_watch.h"

#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "peerpulse/net/link.h"

namespace peerpulse::probe {
namespace {

using health::LocalState;

SocketAddress address(const char* text) {
  auto parsed = SocketAddress::parse(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

TEST_CASE("link: loopback is up, an address that no interface has is down, unix has no link") {
  CHECK(net::linkUp(address("127.0.0.1:80")));
  CHECK(net::linkUp(address("127.9.9.9:80")));
  CHECK(net::linkUp(address("[::1]:80")));
  CHECK(net::linkUp(address("unix:/tmp/x")));
  CHECK(net::linkUp(SocketAddress()));
  CHECK_FALSE(net::linkUp(address("203.0.113.7:80")));  // TEST-NET-3: nobody has it
}

TEST_CASE("local_watch: changes are reported once, in order") {
  std::vector<std::pair<LocalState, LocalState>> changes;
  LocalWatch watch(2, milliseconds(20), [&](LocalState from, LocalState to) { changes.emplace_back(from, to); });
  TimePoint now = TimePoint() + seconds(100);
  watch.reachedFrom(address("127.0.0.1:80"));
  watch.beat(milliseconds(1), now);
  CHECK_FALSE(watch.ownHostSuspect(now));
  CHECK(changes.empty());
  watch.expect(PeerId{0}, now);
  watch.expect(PeerId{1}, now);
  now += milliseconds(2);
  CHECK(watch.ownHostSuspect(now));
  CHECK(watch.ownHostSuspect(now));
  CHECK(watch.state() == LocalState::kSuspect);
  now += seconds(2);
  watch.beat(milliseconds(1), now);
  CHECK(watch.state() == LocalState::kOk);
  watch.beat(milliseconds(300), now);
  REQUIRE(changes.size() == 3);
  CHECK(changes[0] == std::pair(LocalState::kOk, LocalState::kSuspect));
  CHECK(changes[1] == std::pair(LocalState::kSuspect, LocalState::kOk));
  CHECK(changes[2] == std::pair(LocalState::kOk, LocalState::kLagging));
}

TEST_CASE("local_watch: cut off is said at once, and once, for as long as it lasts") {
  std::vector<LocalState> states;
  LocalWatch watch(2, milliseconds(20), [&](LocalState, LocalState to) { states.push_back(to); });
  TimePoint now = TimePoint() + seconds(100);
  watch.verdict(PeerId{0}, health::Verdict::kDead, now);
  CHECK(watch.state() == LocalState::kOk);
  watch.verdict(PeerId{1}, health::Verdict::kDead, now);
  CHECK(watch.state() == LocalState::kSuspect);  // before anybody acts on that death
  for (int i = 0; i < 1000; ++i)
    watch.beat({}, now += milliseconds(20));
  CHECK(watch.state() == LocalState::kSuspect);
  watch.verdict(PeerId{0}, health::Verdict::kAlive, now);
  CHECK(states == std::vector<LocalState>{LocalState::kSuspect, LocalState::kOk});
}

TEST_CASE(
    "local_watch: what could not be asked for want of descriptors is this host's trouble, for as long as that is "
    "so") {
  std::vector<LocalState> states;
  LocalWatch watch(1, milliseconds(20), [&](LocalState, LocalState to) { states.push_back(to); });
  TimePoint now = TimePoint() + seconds(100);
  for (int i = 0; i < 100; ++i)
    watch.couldNotAsk(now += milliseconds(20));
  CHECK(watch.state() == LocalState::kExhausted);
  watch.beat({}, now += seconds(1));
  CHECK(watch.state() == LocalState::kOk);
  CHECK(states == std::vector<LocalState>{LocalState::kExhausted, LocalState::kOk});
}

TEST_CASE("local_watch: a link that went away is this host's trouble, until it is back") {
  std::vector<LocalState> states;
  LocalWatch watch(1, milliseconds(20), [&](LocalState, LocalState to) { states.push_back(to); });
  TimePoint now = TimePoint() + seconds(100);
  watch.reachedFrom(address("203.0.113.7:80"));
  CHECK_FALSE(watch.ownHostSuspect(now));  // one peer: it may well be dead, but the link is asked for
  CHECK(watch.state() == LocalState::kLinkDown);
  watch.reachedFrom(address("127.0.0.1:80"));
  watch.beat({}, now += milliseconds(20));
  CHECK(watch.state() == LocalState::kLinkDown);  // not asked so soon
  watch.beat({}, now += LocalWatch::kLinkInterval);
  watch.beat({}, now += seconds(2));
  CHECK(watch.state() == LocalState::kOk);
  CHECK(states.front() == LocalState::kLinkDown);
}

}  // namespace
}  // namespace peerpulse::probe
