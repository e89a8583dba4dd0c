// Goal: links have what they need, lead to others, and what is wrong with them is said by its key.
#include "links.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using config::Config;
using upstream::LinkMode;

namespace {

constexpr const char* kTls = R"("tls":{"certificate_file":"/n.pem","key_file":"/n.key","ca_file":"/ca.pem"})";

std::string whole(const std::string& link, const std::string& peer = "") {
  return R"({"node":"node1","link":{)" + link +
         R"(},"peers":[{"name":"node2","listen":"127.0.0.12:9000","address":"10.0.0.2:9000")" + peer +
         R"(},{"name":"node3","listen":"127.0.0.13:9000","address":"10.0.0.3:9000"}]})";
}
std::string withTls(const std::string& more) { return std::string(kTls) + (more.empty() ? "" : ",") + more; }

Config good(const std::string& text) {
  Result<Config> result = config::parse(text, "test.json", {});
  REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().message));
  return *result;
}

#define CHECK_BAD(text, part)                                                          \
  do {                                                                                 \
    const Result<Config> result = config::parse(text, "test.json", {});                \
    const std::string said = result ? std::string("nothing") : result.error().message; \
    CHECK_MESSAGE(said.find(part) != std::string::npos, said);                         \
  } while (false)

}  // namespace

TEST_CASE("links: off by default, nobody comes in, and there is no store among the peers") {
  const Config c = good(whole(""));
  CHECK(c.proxy.peers.size() == 2);
  CHECK((c.proxy.peers[0].link.mode == LinkMode::kOff));
  CHECK_FALSE(c.proxy.peers[0].link.tls.enabled);
  CHECK(config::linkNotes(c).empty());
}

TEST_CASE("links: a peer has the mode of all, its own port's neighbour for an address, and this node's certificate") {
  const Config c = good(whole(withTls(R"("mode":"prefer","retry":"3s")"),
                              R"(,"link":{"mode":"require","address":"10.0.0.2:9555","server_name":"two"})"));
  const auto& own = c.proxy.peers[0].link;
  CHECK((own.mode == LinkMode::kRequire));
  CHECK(own.address.toString() == "10.0.0.2:9555");
  CHECK(own.tls.serverName == "two");
  const auto& inherited = c.proxy.peers[1].link;
  CHECK((inherited.mode == LinkMode::kPrefer));
  CHECK(inherited.address.toString() == "10.0.0.3:9443");
  CHECK(inherited.retry == seconds(3));
  CHECK(inherited.tls.enabled);
  CHECK(inherited.tls.certificateFile == "/n.pem");
  CHECK(inherited.tls.keyFile == "/n.key");
  CHECK(inherited.tls.caFile == "/ca.pem");
  CHECK((inherited.tls.verify == net::TlsVerify::kFull));
  CHECK((inherited.tls.minVersion == net::TlsVersion::kTls13));
  CHECK_FALSE(c.proxy.peers[0].tls.enabled);
  const auto notes = config::linkNotes(c);
  REQUIRE(notes.size() == 2);
  CHECK(notes[0].find("node2 by 10.0.0.2:9555 (require): never without") != std::string::npos);
  CHECK(notes[1].find("while that is not there, by 10.0.0.3:9000 without") != std::string::npos);
}

TEST_CASE("links: the store is the last of the peers, refuses when it is gone, and asks for certificates") {
  const Config c = good(whole(withTls(R"("listen":"127.0.0.1:9443","store":"127.0.0.1:9100","protocol":"http1")")));
  REQUIRE(c.proxy.peers.size() == 3);
  const proxy::PeerOptions& store = c.proxy.peers[2];
  CHECK((store.role == proxy::Role::kStore));
  CHECK(store.id == PeerId{2});
  CHECK(store.name == "store");
  CHECK((store.onDead == proxy::OnDead::kRefuse));
  CHECK((store.mode == guard::Mode::kProxy));
  CHECK(store.probe.failureThreshold == 0);
  CHECK((store.protocol == upstream::Protocol::kHttp1));
  CHECK((store.link.mode == LinkMode::kOff));
  CHECK((store.tlsDownstream.clientCertificate == net::ClientCertificate::kRequired));
  CHECK(store.tlsDownstream.clientCaFile == "/ca.pem");
  CHECK(c.peerProfiles.size() == 3);
  CHECK(config::pointerTo(store, "address") == "/link/store");
  CHECK(config::pointerTo(store, "listen") == "/link/listen");
  CHECK(config::pointerTo(c.proxy.peers[1], "listen") == "/peers/1/listen");
  CHECK(c.warnings.empty());
  CHECK(config::effectiveJson(c).find("9100") != std::string::npos);
  CHECK(config::effectiveJson(c).find("\"role\"") == std::string::npos);
}

TEST_CASE("links: the environment has its say about the store's probes, not about its failures") {
  const std::string text = whole(withTls(R"("listen":"127.0.0.1:9443","store":"127.0.0.1:9100")"));
  const config::Environment environment = {{"PEERPULSE_CIRCUIT_BREAKER_THRESHOLD", "7"},
                                           {"PEERPULSE_HTTP2_KEEPALIVE_INTERVAL", "1"}};
  const Result<Config> c = config::parse(text, "test.json", environment);
  REQUIRE(c.has_value());
  CHECK(c->proxy.peers[0].probe.failureThreshold == 7);
  CHECK(c->proxy.peers[2].probe.failureThreshold == 0);
  CHECK(c->proxy.peers[2].probe.interval == seconds(1));
}

TEST_CASE("links: who has one peer and a store of his own cannot be told cut off") {
  const std::string text = R"({"node":"node1","guard":{"mode":"proxy+guard"},"link":{)" +
                           withTls(R"("listen":"127.0.0.1:9443","store":"127.0.0.1:9100")") +
                           R"(},"peers":[{"name":"node2","listen":"127.0.0.12:9000","address":"10.0.0.2:9000"}]})";
  CHECK(config::guardNotes(good(text)).back().find("one peer and no guard.witness") != std::string::npos);
}

TEST_CASE("links: a store on another host is a warning") {
  const Config c = good(whole(withTls(R"("listen":"127.0.0.1:9443","store":"192.0.2.7:9100")")));
  REQUIRE(c.warnings.size() == 1);
  CHECK(c.warnings[0].where == "/link/store");
  CHECK(c.warnings[0].text.find("no address of this host") != std::string::npos);
}

TEST_CASE("links: without certificates there are none") {
  CHECK_BAD(whole(R"("listen":"127.0.0.1:9443","store":"127.0.0.1:9100")"),
            "/link/tls/certificate_file: found \"\", expected this node's certificate: /link/listen needs one");
  CHECK_BAD(whole(R"("mode":"require")"), "/link/tls/ca_file: found \"\", expected the authority");
  CHECK_BAD(whole(R"("tls":{"key_file":"/n.key"})"), "expected the certificate of the key \"/n.key\"");
}

TEST_CASE("links: a listener has a store, and a store a listener that others can reach") {
  CHECK_BAD(whole(withTls(R"("listen":"127.0.0.1:9443")")), "/link/store: found \"\"");
  CHECK_BAD(whole(withTls(R"("store":"127.0.0.1:9100")")), "/link/listen: found \"\"");
  CHECK_BAD(whole(withTls(R"("listen":"unix:/run/x.sock","store":"127.0.0.1:9100")")), "expected a TCP address");
  CHECK_BAD(
      whole(withTls(R"("listen":"127.0.0.12:9000","store":"127.0.0.1:9100")")),
      "/link/listen: found \"127.0.0.12:9000\", expected an address of its own: it clashes with /peers/0/listen");
  CHECK_BAD(whole(withTls(R"("listen":"127.0.0.1:9443","store":"127.0.0.1:9443")")), "/link/store: found");
  CHECK_BAD(whole(withTls(R"("listen":"127.0.0.1:9443","store":"127.0.0.12:9000")")),
            "this one leads to our own /peers/0/listen");
  CHECK_BAD(whole(withTls(R"("listen":"127.0.0.1:9443","store":"127.0.0.1:9100","name":"node3")")),
            "/link/name: found \"node3\"");
}

TEST_CASE("links: they lead to others, by another address than the peer's own") {
  const auto peer = [](const std::string& link) { return whole(withTls(""), ",\"link\":{" + link + "}"); };
  CHECK_BAD(peer(R"("mode":"require","address":"10.0.0.2:9000")"), "expected another address than the peer's own");
  CHECK_BAD(peer(R"("mode":"require","address":"unix:/run/x.sock")"), "expected a TCP address");
  CHECK_BAD(peer(R"("mode":"require","address":"10.0.0.2:0")"), "with a port from 1 to 65535");
  CHECK_BAD(peer(R"("mode":"require","address":"127.0.0.13:9000")"), "leads to our own /peers/1/listen");
  CHECK_BAD(whole(withTls(R"("mode":"require")"), R"(,"link":{"address":"10.0.0.3:9443"})"),
            "/peers/1/link/address: found \"10.0.0.3:9443\", expected an address of its own: /peers/0/link/address");
  CHECK_BAD(R"({"link":{)" + withTls(R"("mode":"require")") +
                R"(},"peers":[{"name":"node2","listen":"127.0.0.12:9000","address":"unix:/run/n2.sock"}]})",
            "/peers/0/link/address: found \"\", expected the address of the peerpulse beside node2");
  CHECK_BAD(whole(withTls(R"("mode":"always")")), "/link/mode");
}

TEST_CASE("links: one of a peer by name has a literal address of its own") {
  const auto named = [](const std::string& more) {
    return R"({"link":{)" + withTls(R"("mode":"prefer")") +
           R"(},"peers":[{"name":"node2","listen":"127.0.0.12:9000","address":"node2.example:9000")" + more + "}]}";
  };
  CHECK_BAD(named(""),
            "/peers/0/link/address: found \"\", expected the address of the peerpulse beside node2, or link.mode "
            "\"off\": what \"node2.example:9000\" leads to changes, and a link leads to one address");
  CHECK_BAD(named(R"(,"link":{"address":"node2.example:9443"})"), "/peers/0/link/address");
  const Config c = good(named(R"(,"link":{"address":"10.0.0.2:9443"})"));
  CHECK(c.proxy.peers[0].link.address.toString() == "10.0.0.2:9443");
  CHECK(config::linkNotes(c)[0].find("by node2.example:9000 without") != std::string::npos);
}

TEST_CASE("links: they come from the peer's source address") {
  const auto from = [](const std::string& source, const std::string& link) {
    return whole(withTls(""),
                 R"(,"source_address":")" + source + R"(","link":{"mode":"require","address":")" + link + R"("})");
  };
  CHECK(good(from("10.0.0.1", "10.0.0.2:9443")).proxy.peers[0].source.toString().starts_with("10.0.0.1"));
  CHECK_BAD(from("10.0.0.1", "[fd00::2]:9443"),
            "/peers/0/link/address: found \"[fd00::2]:9443\", expected an address of the family of source_address");
}

TEST_CASE("links: a transparent peer may have one") {
  const std::string text = R"({"node":"node1","transparent":{"listen":"127.0.0.1:15001"},"link":{)" +
                           withTls(R"("mode":"require","listen":"127.0.0.1:9443","store":"127.0.0.1:9100")") +
                           R"(},"peers":[{"name":"node2","address":"10.0.0.2:9000"}]})";
  const Config c = good(text);
  REQUIRE(c.proxy.peers.size() == 2);
  CHECK(c.proxy.peers[0].transparent);
  CHECK(c.proxy.peers[0].link.address.toString() == "10.0.0.2:9443");
  CHECK_FALSE(c.proxy.peers[1].transparent);
}
