#include "peerpulse/config/config.h"

#include <algorithm>
#include <cerrno>

#include <doctest/doctest.h>

#include "peerpulse/upstream/options.h"

using namespace peerpulse;
using config::Config;
using config::Environment;
using upstream::TrafficClass;

namespace {

constexpr const char* kPeer = R"({"name":"node2","listen":"127.0.0.12:9000","address":"10.0.0.2:9000"})";

/// A whole configuration with one good peer and `more` members in front.
std::string withPeer(const std::string& more) {
  return "{" + more + (more.empty() ? "" : ",") + "\"peers\":[" + kPeer + "]}";
}

Config good(const std::string& text, const Environment& environment = {}) {
  Result<Config> result = config::parse(text, "test.json", environment);
  REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().message));
  return *result;
}

std::string bad(const std::string& text, const Environment& environment = {}) {
  const Result<Config> result = config::parse(text, "test.json", environment);
  REQUIRE_FALSE(result.has_value());
  return result.error().message;
}

// Evaluated once: doctest holds a lock while it writes the message, and would wait for itself if that failed, too.
#define CHECK_HAS(text, part)                                \
  do {                                                       \
    const std::string has = (text);                          \
    CHECK_MESSAGE(has.find(part) != std::string::npos, has); \
  } while (false)

const upstream::ClassTimeouts& timeouts(const Config& c, TrafficClass trafficClass) {
  return c.proxy.timeouts[static_cast<size_t>(trafficClass)];
}

}  // namespace

TEST_CASE("a hook is a program that can be run, by its absolute path") {
  const auto command = [](const std::string& json) {
    return withPeer("\"hooks\":{\"on_transition\":{\"command\":" + json + "}}");
  };
  CHECK(good(withPeer("")).onTransition.command.empty());
  CHECK(good(withPeer("")).onTransition.timeout == seconds(10));
  const Config c = good(
      withPeer(R"("hooks":{"on_transition":{"command":["/bin/sh","-c","exit 0; # $(x) \"\n"],"timeout":"2s"}})"));
  CHECK(c.onTransition.command == std::vector<std::string>{"/bin/sh", "-c", "exit 0; # $(x) \"\n"});
  CHECK(c.onTransition.timeout == seconds(2));
  CHECK_HAS(bad(command(R"(["sh"])")), "/hooks/on_transition/command/0: found \"sh\", expected an absolute path");
  CHECK_HAS(bad(command(R"([""])")), "expected an absolute path");
  CHECK_HAS(
      bad(command(R"(["/nonexistent/hook"])")),
      "/hooks/on_transition/command/0: found \"/nonexistent/hook\" (No such file or directory), expected a program");
  CHECK_HAS(bad(command(R"(["/etc/passwd"])")), "(Permission denied)");
  CHECK_HAS(bad(command(R"(["/etc"])")), "(not a file)");
  CHECK_HAS(bad(command("\"/bin/sh -c x\"")), "expected an array of at most 64 strings");
  CHECK_HAS(bad(command(R"(["/bin/sh",1])")), "expected an array of at most 64 strings");
  CHECK_HAS(bad(command(R"(["/bin/sh","a\u0000b"])")), "expected an array of at most 64 strings");
  std::string many = "[\"/bin/sh\"";
  for (int i = 0; i < 64; ++i)
    many += ",\"x\"";
  CHECK_HAS(bad(command(many + "]")), "expected an array of at most 64 strings");
  CHECK_HAS(bad(withPeer(R"("hooks":{"on_transition":{"timeout":"0s"}})")), "from 100ms to 10m");
  CHECK_HAS(bad(withPeer(R"("hooks":{"on_death":{}})")), "/hooks/on_death: found an unknown key");
}

TEST_CASE("the least configuration gets the defaults of the design") {
  const Config c = good(withPeer(R"("node":"node1")"));
  CHECK(c.node == "node1");
  CHECK(c.workers == 2);
  CHECK(c.drainTimeout == seconds(10));
  CHECK(c.admin.listen.toString() == "127.0.0.1:9901");
  CHECK((c.preset == proxy::Preset::kGeneric));
  REQUIRE(c.proxy.peers.size() == 1);
  const proxy::PeerOptions& peer = c.proxy.peers[0];
  CHECK(peer.name == "node2");
  CHECK(peer.listen.toString() == "127.0.0.12:9000");
  CHECK(peer.address.toString() == "10.0.0.2:9000");
  CHECK((peer.onDead == proxy::OnDead::kRespond));
  CHECK(peer.probe.interval == milliseconds(20));
  CHECK(peer.probe.suspectAfter == milliseconds(50));
  CHECK(peer.probe.confirm == milliseconds(15));
  CHECK(peer.probe.countTimeouts);
  CHECK(timeouts(c, TrafficClass::kControl).connect == seconds(2));
  CHECK(timeouts(c, TrafficClass::kControl).request == seconds(10));
  CHECK(timeouts(c, TrafficClass::kBulk).connect == seconds(3));
  CHECK(timeouts(c, TrafficClass::kBulk).request == Duration::zero());
  CHECK(timeouts(c, TrafficClass::kBulk).stall == seconds(10));
  CHECK(timeouts(c, TrafficClass::kBulk).minBytesPerSecond == 1048576);
  CHECK(timeouts(c, TrafficClass::kStream).request == Duration::zero());
  CHECK(c.proxy.pool.idleTimeout == seconds(30));
  CHECK(c.proxy.pool.maxIdlePerPeer == 10);
}

TEST_CASE("the node's name defaults to the host's") { CHECK_FALSE(good(withPeer("")).node.empty()); }

TEST_CASE("the storage presets refuse, replay nothing and do not count timeouts") {
  for (const char* preset : {"rustfs", "minio", "swift"}) {
    const Config c = good(withPeer("\"preset\":\"" + std::string(preset) + "\""));
    CHECK((c.proxy.peers[0].onDead == proxy::OnDead::kRefuse));
    CHECK_FALSE(c.proxy.retry.replayIdempotent);
    CHECK_FALSE(c.proxy.peers[0].probe.countTimeouts);
  }
}

TEST_CASE("the storage presets ask for no rate: a store passes on the pace of its own clients") {
  for (const char* preset : {"rustfs", "minio", "swift"}) {
    CAPTURE(preset);
    const Config c = good(withPeer("\"preset\":\"" + std::string(preset) + "\""));
    for (const TrafficClass each : {TrafficClass::kControl, TrafficClass::kBulk, TrafficClass::kStream})
      CHECK(timeouts(c, each).minBytesPerSecond == 0);
  }
}

TEST_CASE("a stalled peer is waited for as long as the store itself would wait, whatever the profile") {
  const struct {
    const char* preset;
    Duration stalled, open;
  } rows[] = {{"generic", seconds(10), seconds(30)},
              {"rustfs", seconds(5), seconds(8)},
              {"minio", seconds(10), seconds(20)},
              {"swift", seconds(10), seconds(10)}};
  for (const auto& row : rows) {
    CAPTURE(row.preset);
    for (const char* probe : {"", R"(,"probe":{"profile":"wan"})"}) {
      const Config c = good(withPeer("\"preset\":\"" + std::string(row.preset) + "\"" + probe));
      CHECK(c.proxy.peers[0].probe.stallAfter == row.stalled);
      CHECK(c.proxy.peers[0].probe.stallOpenAfter == row.open);
    }
  }
}

TEST_CASE("no socket option ends a connection whose peer acknowledges, unless asked for") {
  for (const char* preset : {"generic", "rustfs", "minio", "swift"})
    CHECK(good(withPeer("\"preset\":\"" + std::string(preset) + "\"")).proxy.tcp.userTimeout == Duration::zero());
  CHECK(good(withPeer(R"("tcp":{"user_timeout":"10m"})")).proxy.tcp.userTimeout == std::chrono::minutes(10));
}

TEST_CASE("fields: more than a hundred pass, and what Swift sends") {
  CHECK(good(withPeer("")).proxy.maxFields >= 200);
  CHECK(good(withPeer(R"("preset":"swift")")).proxy.maxFields >= 200);
  CHECK(good(withPeer(R"("preset":"swift","limits":{"max_fields":40})")).proxy.maxFields == 40);
}

TEST_CASE("streams of a client: no fewer than the store's own server takes") {
  CHECK(good(withPeer("")).proxy.maxConcurrentStreams == 256);
  CHECK(good(withPeer(R"("preset":"rustfs")")).proxy.maxConcurrentStreams == 2048);
  CHECK(good(withPeer(R"("preset":"rustfs","limits":{"max_concurrent_streams":100})")).proxy.maxConcurrentStreams ==
        100);
}

TEST_CASE("rustfs waits as long as the store does") {
  const Config c = good(withPeer(R"("preset":"rustfs")"));
  CHECK(timeouts(c, TrafficClass::kControl).request == seconds(30));
  CHECK(c.proxy.pool.maxStreamsPerConnection == 32);
  REQUIRE(c.proxy.routes.size() == 6);
  CHECK(c.proxy.routes[0].name == "grpc");
  CHECK((c.proxy.routes[0].trafficClass == TrafficClass::kControl));
  CHECK(c.proxy.routes[1].pathPrefix == "/rustfs/rpc/put_file_stream");
  CHECK((c.proxy.routes[1].trafficClass == TrafficClass::kBulk));
}

TEST_CASE("what the file says goes before the preset") {
  const Config c = good(withPeer(
      R"("preset":"rustfs","on_dead":"respond","retry":{"replay_idempotent":true},"timeouts":{"control":{"request":"5s"}})"));
  CHECK((c.proxy.peers[0].onDead == proxy::OnDead::kRespond));
  CHECK(c.proxy.retry.replayIdempotent);
  CHECK(timeouts(c, TrafficClass::kControl).request == seconds(5));
  CHECK(timeouts(c, TrafficClass::kControl).connect == seconds(2));
}

TEST_CASE("probing: profile, then the common section, then the peer's own") {
  const Config c = good(R"({"probe":{"profile":"fast","confirm":"9ms"},"circuit":{"open_for":"5s"},"peers":[
    {"name":"a","listen":"127.0.0.2:1","address":"10.0.0.1:1"},
    {"name":"b","listen":"127.0.0.3:1","address":"10.0.0.2:1","probe":{"interval":"5ms"},"circuit":{"failure_threshold":7}},
    {"name":"c","listen":"127.0.0.4:1","address":"10.0.0.3:1","probe":{"profile":"wan","confirm":"60ms"}}]})");
  CHECK(c.proxy.peers[0].probe.interval == milliseconds(10));
  CHECK(c.proxy.peers[0].probe.confirm == milliseconds(9));
  CHECK(c.proxy.peers[0].probe.failureThreshold == 3);
  CHECK(c.proxy.peers[1].probe.interval == milliseconds(5));
  CHECK(c.proxy.peers[1].probe.suspectAfter == milliseconds(25));
  CHECK(c.proxy.peers[1].probe.failureThreshold == 7);
  CHECK(c.proxy.peers[1].probe.openFor == seconds(5));
  CHECK(c.proxy.peers[2].probe.interval == milliseconds(50));
  CHECK(c.proxy.peers[2].probe.confirm == milliseconds(60));
  CHECK(c.proxy.peers[2].id == PeerId{2});
}

TEST_CASE("routes of the file replace the preset's and end with one that matches all") {
  const Config c = good(withPeer(R"("routes":[{"name":"up","method":"PUT","path_prefix":"/up","class":"bulk"}])"));
  REQUIRE(c.proxy.routes.size() == 2);
  CHECK(c.proxy.routes[0].name == "up");
  CHECK(c.proxy.routes[1].name == "default");
  CHECK((c.proxy.routes[1].trafficClass == TrafficClass::kControl));
  CHECK(good(withPeer(R"("routes":[{"name":"all","class":"stream"}])")).proxy.routes.size() == 1);
}

TEST_CASE("JSON errors name line and column") {
  const std::string error = bad("{\n  \"node\": \"node1\",\n  \"workers\": ,\n}");
  CHECK_HAS(error, "test.json: line 3, column");
}

TEST_CASE("what is no JSON object") {
  CHECK_HAS(bad(""), "line 1");
  CHECK_HAS(bad("[]"), "expected an object");
  CHECK_HAS(bad("null"), "expected an object");
  CHECK_HAS(bad("{} x"), "line 1, column 4");
  CHECK_HAS(bad("\xff\xfe"), "line 1");
  bad(std::string(100'000, '['));
  CHECK_HAS(bad(std::string(100, '[') + std::string(100, ']')), "nested deeper");
}

TEST_CASE("duplicate keys are errors, at any depth") {
  CHECK_HAS(bad(withPeer(R"("node":"a","node":"b")")), "/node: duplicate key");
  CHECK_HAS(bad(withPeer(R"("pool":{"max_pending":1,"max_pending":2})")), "/pool/max_pending: duplicate key");
  CHECK_HAS(bad(R"({"peers":[{"name":"a"},{"name":"b","name":"c"}]})"), "/peers/1/name: duplicate key");
  good(withPeer(R"("admin":{"listen":"127.0.0.1:1"})"));  // the same key in different objects is fine
}

TEST_CASE("unknown keys name the nearest known one") {
  CHECK_HAS(bad(withPeer(R"("worker":2)")),
            "/worker: found an unknown key, expected a known one: did you mean \"workers\"?");
  CHECK_HAS(bad(withPeer(R"("pool":{"idle_timout":"1s"})")), "/pool/idle_timout");
  CHECK_HAS(bad(withPeer(R"("pool":{"idle_timout":"1s"})")), "did you mean \"idle_timeout\"?");
  CHECK_HAS(bad(withPeer(R"("suspect_after":"1s")")), "did you mean \"/probe/suspect_after\"?");
  CHECK_HAS(bad(withPeer(R"("zzzzzzzz":1)")), "expected one of node, workers");
  CHECK_HAS(bad(withPeer(R"("a/b~c":1)")), "/a~1b~0c: found an unknown key");
  CHECK_HAS(bad(R"({"peers":[{"name":"a","listen":"127.0.0.2:1","adress":"10.0.0.1:1"}]})"),
            "did you mean \"address\"?");
}

TEST_CASE("the fan-out API: off by default, loopback only, with room for one body") {
  CHECK(good(withPeer("")).api.listen.family() == AF_UNSPEC);
  const Config on = good(withPeer(R"("api":{"listen":"127.0.0.1:9902","peer_timeout":"1s","replay_limit":"1MiB"})"));
  CHECK(on.api.listen.port() == 9902);
  CHECK(on.api.peerTimeout == seconds(1));
  CHECK(on.api.replayLimit == 1024 * 1024);
  CHECK(good(withPeer(R"("api":{"listen":"unix:/tmp/api.sock"})")).api.listen.isUnix());
  CHECK_HAS(bad(withPeer(R"("api":{"listen":"0.0.0.0:9902"})")),
            "/api/listen: found \"0.0.0.0:9902\", expected a loopback");
  CHECK_HAS(bad(withPeer(R"("api":{"listen":"127.0.0.1:9901"})")), "another address than /admin/listen");
  CHECK_HAS(bad(withPeer(R"("api":{"listen":"127.0.0.12:9000"})")), "/peers/0/listen has it too");
  CHECK_HAS(bad(withPeer(R"("api":{"listen":"127.0.0.1:9902","memory":"8MiB"})")), "at least /api/replay_limit");
}

TEST_CASE("timeouts of the fan-out API: durations, or auto") {
  const Config fixed =
      good(withPeer(R"("api":{"peer_timeout":"1s","chunk_timeout":"3s","hedge":"20ms"},"zone":"dc1")"));
  CHECK_FALSE(fixed.api.peerTimeoutAuto);
  CHECK(fixed.api.chunkTimeout == seconds(3));
  CHECK(fixed.api.hedge.delay == milliseconds(20));
  CHECK(fixed.api.zone == "dc1");
  const Config automatic = good(withPeer(R"("api":{"peer_timeout":"auto","chunk_timeout":"auto","hedge":"auto"})"));
  CHECK(automatic.api.peerTimeoutAuto);
  CHECK(automatic.api.peerTimeout == seconds(2));  // until something is known
  CHECK(automatic.api.chunkTimeoutAuto);
  CHECK(automatic.api.hedge.automatic);
  const Config overridden =
      *config::parse(withPeer(R"("api":{"peer_timeout":"auto"})"), "test.json", {{"RUSTFS_PEER_TIMEOUT", "3"}});
  CHECK_FALSE(overridden.api.peerTimeoutAuto);
  CHECK(overridden.api.peerTimeout == seconds(3));
  CHECK_HAS(bad(withPeer(R"("api":{"peer_timeout":"0s"})")),
            "/api/peer_timeout: found \"0s\", expected a duration from");
  CHECK_HAS(bad(withPeer(R"("api":{"hedge":"sometimes"})")), ", or \"auto\"");
  CHECK_HAS(bad(withPeer(R"("timing":{"floor":"2s","ceiling":"1s"})")),
            "/timing/ceiling: found \"1s\", expected at least");
  CHECK_HAS(bad(withPeer(R"("timing":{"samples":1})")), "/timing/samples");
}

TEST_CASE("erasure sets: disks of known nodes, each once, spares apart") {
  const auto with = [](const std::string& set) {
    return withPeer(R"("node":"node1","api":{"listen":"127.0.0.1:9902"},"erasure_sets":[)" + set + "]");
  };
  const Config c = good(with(R"({"name":"s","disks":["node1/d/1","node2/d/1"],"spares":["node2/d/2"]})"));
  REQUIRE(c.api.erasureSets.size() == 1);
  CHECK(c.api.erasureSets[0].disks[1].node == "node2");
  CHECK(c.api.erasureSets[0].disks[1].path == "d/1");
  CHECK_HAS(bad(with(R"({"name":"s"})")), "/erasure_sets/0: missing key \"disks\"");
  CHECK_HAS(bad(with(R"({"name":"s","disks":[]})")), "/erasure_sets/0/disks: found an empty array");
  CHECK_HAS(bad(with(R"({"name":"s","disks":["node2/d"],"spares":["node9/d"]})")), "/erasure_sets/0/spares/0");
  CHECK_HAS(bad(with(R"({"name":"s","disks":["node2/d"],"spares":["node2/d"]})")), "not one of /disks");
  CHECK_HAS(bad(with(R"({"name":"s","disks":["node2/d"]},{"name":"s","disks":["node2/d"]})")),
            "/erasure_sets/1/name");
  for (const char* disk : {"node2", "node2/", "/d", "node2//d", "node2/d/", "node2/a b", "node2/d?x"})
    CHECK_HAS(bad(with(R"({"name":"s","disks":[")" + std::string(disk) + "\"]}")), "/erasure_sets/0/disks");
  CHECK_HAS(bad(with(R"({"name":"s","disks":["node2/d","node2/d"]})")), "different disks");
}

TEST_CASE("the governor observes unless it is told to do more or less") {
  const upstream::GovernorOptions defaults = good(withPeer(R"("node":"node1")")).proxy.governor;
  CHECK((defaults.mode == upstream::GovernorMode::kObserve));
  CHECK(defaults.floor == 8);
  CHECK(defaults.slowFrom == milliseconds(50));
  const Config c =
      good(withPeer(R"("zone":"dc1","governor":{"mode":"enforce","floor":4,"tolerance":5,"slow_from":"1s"})"));
  CHECK(c.zone == "dc1");
  CHECK((c.proxy.governor.mode == upstream::GovernorMode::kEnforce));
  CHECK(c.proxy.governor.floor == 4);
  CHECK(c.proxy.governor.tolerance == 5);
  CHECK(c.proxy.governor.slowFrom == seconds(1));
  CHECK_HAS(bad(withPeer(R"("governor":{"mode":"on"})")), "/governor/mode");
  CHECK_HAS(bad(withPeer(R"("governor":{"floor":0})")), "/governor/floor: found 0");
  CHECK_HAS(bad(withPeer(R"("governor":{"tolerance":1})")), "/governor/tolerance: found 1");
  CHECK_HAS(bad(withPeer(R"("governor":{"window":"30s"})")), "/governor/relearn");
}

TEST_CASE("bad values say what was found and expected") {
  CHECK_HAS(bad(withPeer(R"("workers":0)")), "/workers: found 0, expected a whole number from 1 to 64");
  CHECK_HAS(bad(withPeer(R"("workers":2.5)")), "/workers: found 2.5");
  CHECK_HAS(bad(withPeer(R"("workers":"2")")), "/workers: found \"2\"");
  CHECK_HAS(bad(withPeer(R"("workers":-1)")), "/workers: found -1");
  CHECK_HAS(bad(withPeer(R"("workers":18446744073709551616)")), "/workers: found");
  CHECK_HAS(bad(withPeer(R"("probe":{"interval":20})")), "/probe/interval: found 20, expected a duration");
  CHECK_HAS(bad(withPeer(R"("probe":{"interval":"0s"})")), "/probe/interval: found \"0s\"");
  CHECK_HAS(bad(withPeer(R"("probe":[])")), "/probe: found an array, expected an object");
  CHECK_HAS(bad(withPeer(R"("preset":"rustf")")), "did you mean \"rustfs\"?");
  CHECK_HAS(bad(withPeer(R"("tcp":{"keepalive_idle":"1500ms"})")), "whole seconds");
  CHECK_HAS(bad(withPeer(R"("limits":{"buffer":"10MB"})")), "/limits/buffer: found \"10MB\", expected a size");
  CHECK_HAS(bad(withPeer(R"("admin":{"allow_remote":1})")), "/admin/allow_remote: found 1, expected true or false");
  CHECK_HAS(bad(withPeer(R"("probe":{"health_path":"health"})")), "/probe/health_path");
  CHECK_HAS(bad(withPeer(R"("node":"a b")")), "/node: found \"a b\", expected a name");
  CHECK_HAS(bad(R"({"peers":[{"name":"a","listen":"localhost:1","address":"10.0.0.1:1"}]})"),
            "/peers/0/listen: found \"localhost:1\", expected a literal address");
}

TEST_CASE("peers must be there, whole and distinct") {
  CHECK_HAS(bad("{}"), "missing key \"peers\"");
  CHECK_HAS(bad(R"({"peers":[]})"), "/peers: found an empty array");
  CHECK_HAS(bad(R"({"peers":{}})"), "/peers: found an object, expected an array");
  CHECK_HAS(bad(R"({"peers":[1]})"), "/peers/0: found 1, expected an object");
  CHECK_HAS(bad(R"({"peers":[{"name":"a"}]})"), "/peers/0: missing key \"listen\"");
  const auto two = [](const std::string& a, const std::string& b) {
    return R"({"node":"me","peers":[{"name":"a","listen":"127.0.0.2:1","address":"10.0.0.1:1"},{)" + a + "," + b +
           "}]}";
  };
  const std::string name = R"("name":"b")";
  CHECK_HAS(bad(two(R"("name":"a")", R"("listen":"127.0.0.3:1","address":"10.0.0.2:1")")),
            "/peers/1/name: found \"a\"");
  CHECK_HAS(bad(two(R"("name":"me")", R"("listen":"127.0.0.3:1","address":"10.0.0.2:1")")),
            "/peers/1/name: found \"me\"");
  CHECK_HAS(bad(two(name, R"("listen":"127.0.0.2:1","address":"10.0.0.2:1")")),
            "/peers/1/listen: found \"127.0.0.2:1\"");
  CHECK_HAS(bad(two(name, R"("listen":"0.0.0.0:1","address":"10.0.0.2:1")")), "clashes with /peers/0/listen");
  CHECK_HAS(bad(two(name, R"("listen":"[::]:1","address":"10.0.0.2:1")")), "clashes with /peers/0/listen");
  CHECK_HAS(bad(two(name, R"("listen":"127.0.0.3:1","address":"10.0.0.1:1")")), "/peers/1/address");
  CHECK_HAS(bad(two(name, R"("listen":"127.0.0.3:1","address":"10.0.0.2:0")")), "a port from 1");
  CHECK_HAS(bad(two(name, R"("listen":"127.0.0.1:9901","address":"10.0.0.2:1")")),
            "another address than /admin/listen");
  CHECK_HAS(bad(two(name, R"("listen":"127.0.0.3:1","address":"127.0.0.2:1")")), "our own /peers/0/listen");
  CHECK_HAS(
      bad(two(name, R"("listen":"0.0.0.0:7","address":"127.0.0.1:7")")),
      "/peers/1/address: found \"127.0.0.1:7\", expected the address of the remote node: this one leads to our own "
      "/peers/1/listen, \"0.0.0.0:7\"");
  CHECK_HAS(bad(two(name, R"("listen":"127.0.0.1:7","address":"0.0.0.0:7")")), "leads to our own /peers/1/listen");
  CHECK_HAS(bad(two(name, R"("listen":"127.0.0.3:1","address":"127.0.0.1:9901")")), "leads to our own /admin/listen");
  good(two(name, R"("listen":"127.0.0.3:1","address":"10.0.0.2:1")"));
  good(two(name, R"("listen":"127.0.0.2:2","address":"10.0.0.1:2")"));
}

TEST_CASE("port 0 is chosen by the system and clashes with nothing") {
  good(R"({"node":"me","admin":{"listen":"127.0.0.1:0"},"peers":[
    {"name":"a","listen":"127.0.0.1:0","address":"10.0.0.1:1"},
    {"name":"b","listen":"127.0.0.1:0","address":"10.0.0.2:1"}]})");
}

TEST_CASE("the admin listens to the host only, unless told otherwise") {
  CHECK_HAS(bad(withPeer(R"("admin":{"listen":"0.0.0.0:9901"})")), "/admin/listen: found \"0.0.0.0:9901\"");
  good(withPeer(R"("admin":{"listen":"0.0.0.0:9901","allow_remote":true})"));
  good(withPeer(R"("admin":{"listen":"[::1]:9901"})"));
  good(withPeer(R"("admin":{"listen":"unix:/run/peerpulse/admin.sock"})"));
}

TEST_CASE("a unix listener cannot refuse") {
  const std::string peer = R"("peers":[{"name":"a","listen":"unix:/run/a.sock","address":"10.0.0.1:1"}]})";
  CHECK_HAS(bad(R"({"preset":"rustfs",)" + peer), "/peers/0/listen");
  good("{" + peer);
}

TEST_CASE("guard: for all, for one, and what it needs") {
  const Config c = good(withPeer(""));
  CHECK((c.guard.mode == guard::Mode::kProxyAndGuard));
  CHECK(c.guard.ports.empty());
  CHECK(c.guard.mark == 0x70);
  CHECK(c.guard.witness.family() == AF_UNSPEC);
  CHECK((c.proxy.peers[0].mode == guard::Mode::kProxyAndGuard));
  CHECK(config::guardRoles(c)[0].guarded);
  const auto alone = config::guardNotes(c);
  REQUIRE(alone.size() == 2);
  CHECK_HAS(alone[0], "node2 (proxy+guard); needs CAP_NET_ADMIN");
  CHECK_HAS(alone[1], "no guard.witness");
  CHECK(config::guardNotes(good(withPeer(R"("guard":{"witness":"10.0.0.254:1"})"))).size() == 1);

  const Config set =
      good(R"({"guard":{"mode":"guard","ports":[9000,9001],"witness":"10.0.0.254:80","max_peers":2,"mark":5},
    "peers":[{"name":"a","address":"10.0.0.2:9000"},
             {"name":"b","listen":"127.0.0.3:9000","address":"10.0.0.3:9000","guard":{"mode":"proxy"}}]})");
  CHECK((set.guard.ports == std::vector<uint16_t>{9000, 9001}));
  CHECK(set.guard.witness.toString() == "10.0.0.254:80");
  CHECK(set.guard.maxPeers == 2);
  CHECK(set.guard.mark == 5);
  CHECK((set.proxy.peers[0].mode == guard::Mode::kGuard));
  CHECK((set.proxy.peers[1].mode == guard::Mode::kProxy));
  CHECK(config::guardRoles(set)[0].guarded);
  CHECK_FALSE(config::guardRoles(set)[1].guarded);
}

TEST_CASE("guard: a peer that cannot lose power alone is not guarded") {
  const Config c = good(R"({"peers":[{"name":"a","listen":"127.0.0.2:9000","address":"127.0.0.9:9000"},
                                     {"name":"b","listen":"127.0.0.3:9000","address":"unix:/run/x.sock"}]})");
  for (const config::GuardRole& role : config::guardRoles(c))
    CHECK_FALSE(role.guarded);
  const auto notes = config::guardNotes(c);
  REQUIRE(notes.size() == 3);
  CHECK_HAS(notes[0], "not of a: an own address");
  CHECK_HAS(notes[1], "not of b: a unix address");
  CHECK_HAS(notes[2], "needs no capability");
}

TEST_CASE("guard: a listener is there exactly where traffic is carried") {
  CHECK_HAS(
      bad(R"({"guard":{"mode":"guard"},"peers":[{"name":"a","listen":"127.0.0.2:9000","address":"10.0.0.2:9000"}]})"),
      "/peers/0/listen: found \"127.0.0.2:9000\"");
  CHECK_HAS(bad(R"({"peers":[{"name":"a","listen":"","address":"10.0.0.2:9000"}]})"), "/peers/0/listen");
  CHECK_HAS(bad(R"({"peers":[{"name":"a","guard":{"mode":"guard"},"address":"unix:/run/x.sock"}]})"),
            "/peers/0/guard/mode");
}

TEST_CASE("guard: bad values") {
  CHECK_HAS(bad(withPeer(R"("guard":{"mode":"gard"})")), "did you mean \"guard\"?");
  CHECK_HAS(bad(withPeer(R"("guard":{"witness":"127.0.0.1:80"})")), "/guard/witness");
  CHECK_HAS(bad(withPeer(R"("guard":{"witness":"unix:/run/x.sock"})")), "/guard/witness");
  CHECK_HAS(bad(withPeer(R"("guard":{"witness":"10.0.0.1:0"})")), "/guard/witness");
  CHECK_HAS(bad(withPeer(R"("guard":{"mark":0})")), "/guard/mark");
  for (const char* ports :
       {"[0]", "[65536]", "[9000,9000]", "9000", "[\"9000\"]", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]"})
    CHECK_HAS(bad(withPeer(std::string(R"("guard":{"ports":)") + ports + "}")), "/guard/ports");
}

namespace {

std::string transparently(const std::string& options, const std::string& peers) {
  return R"({"transparent":{)" + options + R"(},"peers":[)" + peers + "]}";
}

constexpr const char* kListen = R"("listen":"127.0.0.1:15001")";
constexpr const char* kByAddress = R"({"name":"a","address":"10.0.0.2:9000"})";

}  // namespace

TEST_CASE("transparent: peers without a listener, and those that say so") {
  CHECK_FALSE(good(withPeer("")).proxy.peers[0].transparent);
  CHECK(config::transparentNotes(good(withPeer(""))).empty());
  const Config c = good(transparently(kListen, std::string(kByAddress) + R"(,
      {"name":"b","listen":"127.0.0.3:9000","address":"10.0.0.3:9000"},
      {"name":"c","listen":"127.0.0.4:9000","address":"10.0.0.4:9000","transparent":true,"on_dead":"refuse"},
      {"name":"d","guard":{"mode":"guard"},"address":"10.0.0.5:9000"})"));
  CHECK(c.proxy.peers[0].transparent);
  CHECK_FALSE(c.proxy.peers[1].transparent);
  CHECK(c.proxy.peers[2].transparent);
  CHECK_FALSE(c.proxy.peers[3].transparent);
  const auto notes = config::transparentNotes(c);
  REQUIRE(notes.size() == 2);
  CHECK_HAS(notes[0], "connects of this host to a, c come to 127.0.0.1:15001; needs CAP_NET_ADMIN");
  CHECK_HAS(notes[1], "when a is dead the guard ends");

  const Config both = good(transparently(R"("listen":"127.0.0.1:0","listen6":"[::1]:15001")",
                                         R"({"name":"a","address":"[::ffff:10.0.0.2]:9000","guard":{"mode":"proxy"}},
                                          {"name":"b","address":"[fd00::2]:9000","guard":{"mode":"proxy"}})"));
  CHECK(both.proxy.peers[1].transparent);
  CHECK(config::transparentNotes(both).size() == 1);
  const Config nobody =
      good(transparently(kListen, R"({"name":"a","listen":"127.0.0.2:9000","address":"10.0.0.2:9000"})"));
  CHECK_HAS(config::transparentNotes(nobody).at(0), "transparent: nobody");
}

TEST_CASE("transparent: what cannot be") {
  for (const char* listen : {"10.0.0.1:15001", "0.0.0.0:15001", "unix:/run/x.sock", "[::1]:15001"})
    CHECK_HAS(bad(transparently(std::string(R"("listen":")") + listen + "\"", kByAddress)),
              "/transparent/listen: found");
  CHECK_HAS(bad(transparently(R"("listen6":"127.0.0.1:15001")", kByAddress)), "/transparent/listen6: found");
  CHECK_HAS(bad(transparently(R"("listen":"127.0.0.1:9901")", kByAddress)), "/admin/listen has it too");
  CHECK_HAS(bad(transparently(kListen, R"({"name":"a","address":"10.0.0.2:9000","listen":"127.0.0.1:15001"})")),
            "/peers/0/listen has it too");
  CHECK_HAS(bad(transparently(kListen, R"({"name":"a","address":"[fd00::2]:9000"})")),
            "expected false, or an address at /transparent/listen6: \"[fd00::2]:9000\" is IPv6");
  CHECK_HAS(bad(transparently(R"("listen6":"[::1]:15001")", R"({"name":"a","address":"[::ffff:10.0.0.2]:9000"})")),
            "is IPv4");
  CHECK_HAS(bad(transparently(kListen, R"({"name":"a","address":"unix:/run/x.sock"})")), "/peers/0/transparent");
  CHECK_HAS(bad(R"({"peers":[{"name":"a","address":"10.0.0.2:9000","transparent":true}]})"),
            "/peers/0/transparent: found true, expected false, or");
  CHECK_HAS(bad(transparently(kListen, R"({"name":"a","address":"10.0.0.2:9000","transparent":false})")),
            "missing key \"listen\"");
  CHECK_HAS(bad(transparently(kListen, R"({"name":"a","address":"10.0.0.2:9000","transparent":true,
                                        "guard":{"mode":"guard"}})")),
            "carries no traffic");
  CHECK_HAS(
      bad(transparently(kListen, std::string(kByAddress) + R"(,{"name":"b","address":"[::ffff:10.0.0.2]:9000"})")),
      "written in another way");
  CHECK_HAS(bad(transparently(kListen, R"({"name":"a","address":"127.0.0.1:15001"})")),
            "this one leads to our own /transparent/listen");
}

TEST_CASE("times that contradict") {
  CHECK_HAS(bad(withPeer(R"("probe":{"interval":"40ms"})")),
            "/probe/suspect_after: found \"50ms\", expected at least twice the interval, \"80ms\"");
  CHECK_HAS(bad(withPeer(R"("probe":{"stall_open_after":"5s"})")), "/probe/stall_open_after");
  CHECK_HAS(bad(withPeer(R"("timeouts":{"bulk":{"stall":"0s"}})")), "/timeouts/bulk/stall");
  CHECK_HAS(
      bad(R"({"peers":[{"name":"a","listen":"127.0.0.2:1","address":"10.0.0.1:1","probe":{"interval":"1s"}}]})"),
      "/peers/0/probe/suspect_after");
}

TEST_CASE("routes have names of their own") {
  CHECK_HAS(bad(withPeer(R"("routes":[{"name":"a","method":"PUT","class":"bulk"},{"name":"a","class":"bulk"}])")),
            "/routes/1/name: found \"a\"");
  CHECK_HAS(bad(withPeer(R"("routes":[{"name":"default","method":"PUT","class":"bulk"}])")), "/routes/0/name");
  CHECK_HAS(bad(withPeer(R"("routes":[{"name":"a"}])")), "/routes/0: missing key \"class\"");
}

TEST_CASE("all errors are reported, each on a line of its own") {
  const std::string error = bad(
      R"({"workers":99,"pool":{"max_pending":"x"},"peers":[{"name":"a b","listen":"?","address":"10.0.0.1:1"}]})");
  CHECK_HAS(error, "test.json: /workers");
  CHECK_HAS(error, "\ntest.json: /pool/max_pending");
  CHECK_HAS(error, "\ntest.json: /peers/0/name");
  CHECK_HAS(error, "\ntest.json: /peers/0/listen");
}

TEST_CASE("a flood of errors is cut off") {
  std::string many;
  for (int i = 0; i < 500; ++i)
    many += "\"unknown" + std::to_string(i) + "\":1,";
  const std::string error = bad("{" + many + "\"peers\":[" + kPeer + "]}");
  CHECK_HAS(error, "and 450 more");
}

TEST_CASE("hostile text in keys and values stays on one printable line") {
  const std::string error = bad(withPeer(R"("a\nb\u0007\u202e":1,"node":"x\ny")"));
  CHECK(std::count(error.begin(), error.end(), '\n') == 1);
  for (const char c : error)
    CHECK((static_cast<unsigned char>(c) < 0x80 && (c == '\n' || c >= 0x20)));
}

TEST_CASE("files that cannot be read") {
  const auto missing = config::load("/nonexistent/peerpulse.json", {});
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == ENOENT);
  CHECK_HAS(missing.error().message, "/nonexistent/peerpulse.json");
  const auto directory = config::load("/", {});
  REQUIRE_FALSE(directory.has_value());
  CHECK(directory.error().code == EISDIR);
  const auto endless = config::load("/dev/zero", {});
  REQUIRE_FALSE(endless.has_value());
  CHECK(endless.error().code == EFBIG);
}

TEST_CASE("names: an address may be one, and how DNS is asked can be set") {
  const std::string named =
      R"("peers":[{"name":"node2","listen":"127.0.0.12:9000","address":"Node2.Example:9000"}]})";
  const Config plain = good("{" + named);
  CHECK(plain.proxy.peers[0].address.name() == "node2.example");
  CHECK(plain.dns.servers.empty());
  CHECK(plain.dns.minTtl == seconds(5));
  CHECK(plain.dns.maxTtl == seconds(300));
  CHECK(config::guardRoles(plain)[0].guarded);
  CHECK_HAS(config::nameNotes(plain).at(0), "node2 (node2.example); asked while it runs: /etc/hosts");
  CHECK(config::nameNotes(good(withPeer(""))).empty());

  const Config set =
      good(R"({"dns":{"servers":["10.0.0.53","[fd00::53]:5353","fd00::54"],"timeout":"200ms","tries":2,)"
           R"("min_ttl":"1s","max_ttl":"1m","retry":"2s"},)" +
           named);
  CHECK(set.dns.servers == std::vector<std::string>{"10.0.0.53:53", "[fd00::53]:5353", "[fd00::54]:53"});
  CHECK(set.dns.timeout == milliseconds(200));
  CHECK(set.dns.tries == 2);
  CHECK_HAS(config::nameNotes(set).at(0), "10.0.0.53:53, [fd00::53]:5353");
}

TEST_CASE("names: what is wrong with them") {
  const auto at = [](const std::string& address) {
    return R"({"peers":[{"name":"node2","listen":"127.0.0.12:9000","address":")" + address + "\"}]}";
  };
  for (const char* address : {"node2", "-node2:9000", "10.0.0.300:9000", "a..b:1", "node2:x"})
    CHECK_HAS(bad(at(address)), "or a host name and a port");
  CHECK_HAS(bad(at("node2:0")), "/peers/0/address: found \"node2:0\", expected a port from 1 to 65535");
  CHECK_HAS(bad(R"({"peers":[{"name":"a","listen":"127.0.0.12:9000","address":"n:1"},)"
                R"({"name":"b","listen":"127.0.0.13:9000","address":"N:1"}]})"),
            "an address of its own: /peers/0 has it too");
  for (const char* server :
       {"\"ns.example\"", "\"10.0.0.53:0\"", "\"unix:/x\"", "53", "\"10.0.0.53\",\"10.0.0.53:53\""})
    CHECK_HAS(bad(withPeer(std::string("\"dns\":{\"servers\":[") + server + "]}")),
              "different addresses of DNS servers");
  CHECK_HAS(bad(withPeer(R"("dns":{"min_ttl":"10m"})")),
            "/dns/max_ttl: found \"5m\", expected at least /dns/min_ttl");
}

TEST_CASE("own sockets: mark and source address") {
  const auto peer = [](const std::string& address, const std::string& more) {
    return R"("peers":[{"name":"node2","listen":"127.0.0.12:9000","address":")" + address + "\"" + more + "}]}";
  };
  const Config set = good(R"({"upstream":{"mark":9,"source_address":"127.0.0.1"},)" + peer("10.0.0.2:9000", ""));
  CHECK(set.upstreamMark == 9);
  CHECK(set.guard.mark == 9);
  CHECK(set.proxy.peers[0].source == *SocketAddress::parse("127.0.0.1:0"));
  CHECK(good(R"({"upstream":{"mark":9},"guard":{"mark":9},)" + peer("10.0.0.2:9000", "")).guard.mark == 9);
  CHECK_HAS(bad(R"({"upstream":{"mark":9},"guard":{"mark":8},)" + peer("10.0.0.2:9000", "")),
            "/upstream/mark: found 9, expected the value of /guard/mark, 8");
  const Config own = good("{" + peer("[fd00::2]:9000", R"(,"source_address":"fd00::1")"));
  CHECK(own.proxy.peers[0].source == *SocketAddress::parse("[fd00::1]:0"));
  CHECK_HAS(bad("{" + peer("10.0.0.2:9000", R"(,"source_address":"fd00::1")")), "of the family of /address");
  CHECK_HAS(bad("{" + peer("unix:/x", R"(,"source_address":"10.0.0.1")")), "none: /address is a unix address");
  for (const char* source : {"10.0.0.1:80", "node1", "1"})
    CHECK_HAS(bad("{" + peer("10.0.0.2:9000", std::string(",\"source_address\":\"") + source + "\"")),
              "an IP address of this host without a port");
  CHECK_HAS(bad(R"({"upstream":{"source_address":"0.0.0.0"},)" + peer("10.0.0.2:9000", "")),
            "an address of this host");
}

TEST_CASE("names: an answer that leads to our own listeners is taken out") {
  const Config c = good(withPeer(R"("admin":{"listen":"127.0.0.1:9901"})"));
  std::vector<SocketAddress> addresses;
  for (const char* text : {"10.0.0.2:9901", "127.0.0.12:9000", "127.0.0.1:9901", "127.0.0.12:9001"})
    addresses.push_back(*SocketAddress::parse(text));
  config::removeOwnListeners(c, addresses);
  REQUIRE(addresses.size() == 2);
  CHECK(addresses[0].toString() == "10.0.0.2:9901");
  CHECK(addresses[1].toString() == "127.0.0.12:9001");
  CHECK(config::isOwnAddress(*SocketAddress::parse("127.0.0.77:1")));
  CHECK_FALSE(config::isOwnAddress(*SocketAddress::parse("192.0.2.1:1")));
}
