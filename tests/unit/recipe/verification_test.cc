// Goal: traffic that passes is told from traffic that goes past, and from a store that answers for its peers.
#include "peerpulse/recipe/verification.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::recipe;
using Kind = Finding::Kind;

namespace {

constexpr uint64_t kOurs = 1, kStore = 2, kUnknown = 3;

struct Host {
  Host() {
    observed.addresses = {{"node1", {"10.0.0.1"}}, {"node2", {"127.0.0.12"}}};
    observed.table.seesAll = true;
    observed.table.owners = {{kOurs, {10, "peerpulse"}}, {kStore, {20, "minio"}}};
    observed.running.peers = {{"node2", "127.0.0.12:9000", "10.0.0.2:9000", "alive", false}};
    listen("127.0.0.12:9000", kOurs);
    connect("127.0.0.12:9000", kStore);
    connect("10.0.0.2:9000", kOurs);
  }
  void listen(const std::string& local, uint64_t inode) {
    observed.table.sockets.push_back({local, "0.0.0.0:0", true, false, inode});
  }
  void connect(const std::string& remote, uint64_t inode) {
    observed.table.sockets.push_back({"10.0.0.1:40000", remote, false, true, inode});
  }
  void drop(const std::string& endpoint) {
    std::erase_if(observed.table.sockets,
                  [&](const TcpSocket& socket) { return socket.local == endpoint || socket.remote == endpoint; });
  }
  Plan plan() const { return *planFor({store, {{"node1", "10.0.0.1"}, {"node2", "10.0.0.2"}}, "node1", {9000}, {}}); }
  /// Of all that is not good.
  std::vector<Finding> trouble() const {
    std::vector<Finding> found = verify(plan(), observed);
    CHECK(found.size() >= 5);  // two names, what runs, a listener, its traffic
    std::erase_if(found, [](const Finding& finding) { return finding.kind == Kind::kGood; });
    for (const Finding& finding : found)
      CHECK_FALSE(finding.advice.empty());
    return found;
  }
  void expect(Kind kind, const std::string& text) const {
    const std::vector<Finding> found = trouble();
    REQUIRE_FALSE(found.empty());
    CHECK((found.front().kind == kind));
    CHECK(found.front().text == text);
  }
  Store store = Store::kRustfs;
  Observed observed;
};

}  // namespace

TEST_CASE("verification: all is well") { CHECK(Host().trouble().empty()); }

TEST_CASE("verification: names") {
  Host host;
  SUBCASE("of two addresses the store may take the other one") {
    host.observed.addresses["node2"].emplace_back("10.0.0.2");
    host.expect(Kind::kBad, "node2 leads to 127.0.0.12, 10.0.0.2, not to 127.0.0.12 alone");
  }
  SUBCASE("unknown") {
    host.observed.addresses.erase("node2");
    host.expect(Kind::kBad, "node2 leads to nothing, not to 127.0.0.12 alone");
  }
}

TEST_CASE("verification: listeners") {
  Host host;
  host.drop("127.0.0.12:9000");
  host.connect("127.0.0.12:9000", kStore);
  SUBCASE("none") { host.expect(Kind::kBad, "nobody listens at 127.0.0.12:9000 for node2"); }
  SUBCASE("the store itself, by a wildcard") {
    host.listen("[::]:9000", kStore);
    host.expect(Kind::kBad, "minio (pid 20) listens on every address at port 9000: it answers for node2");
  }
  SUBCASE("somebody else") {
    host.listen("127.0.0.12:9000", kStore);
    host.expect(Kind::kBad, "127.0.0.12:9000 is held by minio (pid 20), not by peerpulse");
  }
  SUBCASE("who cannot be seen") {
    host.listen("127.0.0.12:9000", kUnknown);
    host.expect(Kind::kNotYet, "127.0.0.12:9000 is held by a process of another user (root sees which)");
  }
}

TEST_CASE("verification: traffic") {
  Host host;
  SUBCASE("that goes past") {
    host.connect("10.0.0.2:9000", kStore);
    host.expect(Kind::kBad, "minio (pid 20) has connections to 10.0.0.2:9000 that go past peerpulse");
  }
  SUBCASE("a probe that is over when its owner is looked for accuses nobody") {
    host.connect("10.0.0.2:9000", kUnknown);
    CHECK(host.trouble().empty());
  }
  SUBCASE("whose owners only root sees") {
    host.connect("10.0.0.2:9000", kUnknown);
    host.observed.table.seesAll = false;
    host.expect(Kind::kNotYet, "whose connections to 10.0.0.2:9000 are cannot be seen");
  }
  SUBCASE("none yet") {
    host.drop("127.0.0.12:9000");
    host.listen("127.0.0.12:9000", kOurs);
    host.expect(Kind::kNotYet, "nobody has a connection to node2 at 127.0.0.12:9000");
  }
}

TEST_CASE("verification: what runs") {
  Host host;
  RunningPeer& node2 = host.observed.running.peers.front();
  SUBCASE("nobody can be asked") {
    host.observed.running = {{}, "connection refused"};
    host.expect(Kind::kNotYet, "what peerpulse does cannot be asked: connection refused");
  }
  SUBCASE("another peer") {
    node2.name = "node3";
    const auto found = host.trouble();
    REQUIRE(found.size() == 2);
    CHECK(found[0].text == "the peerpulse that runs has no peer node2");
    CHECK(found[1].text == "the peerpulse that runs has a peer node3, which the recipe has not");
  }
  SUBCASE("elsewhere, each difference") {
    node2.listen = "127.0.0.13:9000";
    node2.address = "10.0.0.3:9000";
    const auto found = host.trouble();
    REQUIRE(found.size() == 2);
    CHECK(found[0].text == "the peerpulse that runs listens for node2 at 127.0.0.13:9000, not at 127.0.0.12:9000");
    CHECK(found[1].text == "the peerpulse that runs sends what is for node2 to 10.0.0.3:9000, not to 10.0.0.2:9000");
    CHECK((found[1].kind == Kind::kBad));
  }
  SUBCASE("a listener that is shut, as its peer is dead, is no fault of the recipe") {
    host.drop("127.0.0.12:9000");
    node2.verdict = "dead";
    node2.open = true;
    host.expect(Kind::kNotYet, "127.0.0.12:9000 refuses for now: node2 is dead");
  }
}

TEST_CASE("verification: names wait until each listener is there") {
  Host host;
  CHECK(whyNamesWait(host.plan(), host.observed).empty());
  host.drop("127.0.0.12:9000");
  SUBCASE("it drains: its admin answers, and nobody listens") {
    CHECK(whyNamesWait(host.plan(), host.observed) == "nobody listens at 127.0.0.12:9000 for node2");
  }
  SUBCASE("the peer is dead, and it is meant to refuse") {
    host.observed.running.peers.front().open = true;
    CHECK(whyNamesWait(host.plan(), host.observed).empty());
  }
  SUBCASE("somebody else is there") {
    host.listen("127.0.0.12:9000", kStore);
    CHECK(whyNamesWait(host.plan(), host.observed).find("held by minio") != std::string::npos);
  }
  SUBCASE("something else runs") {
    host.listen("127.0.0.12:9000", kOurs);
    host.observed.running.peers.front().address = "10.0.0.3:9000";
    CHECK_FALSE(whyNamesWait(host.plan(), host.observed).empty());
  }
}

TEST_CASE("verification: Swift's replication goes by addresses") {
  Host host;
  host.store = Store::kSwift;
  host.connect("10.0.0.2:9000", kStore);
  CHECK(host.trouble().empty());
  host.drop("127.0.0.12:9000");
  host.listen("127.0.0.12:9000", kOurs);
  host.expect(Kind::kNotYet, "minio (pid 20) has connections to 10.0.0.2:9000, nobody to node2 at 127.0.0.12:9000");
}
