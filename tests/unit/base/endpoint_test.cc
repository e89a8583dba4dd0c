// Goal: what can be a name is taken as one, what can only be meant as a literal is not, and both survive a round trip.
#include "peerpulse/base/endpoint.h"

#include <net/if.h>

#include <doctest/doctest.h>

using peerpulse::Endpoint;
using peerpulse::isHostName;
using peerpulse::SocketAddress;

TEST_CASE("endpoint: literals are literals") {
  for (const char* text : {"10.0.0.2:9000", "[fd00::2]:9000", "unix:/run/x.sock"}) {
    const auto endpoint = Endpoint::parse(text);
    REQUIRE(endpoint);
    CHECK_FALSE(endpoint->isName());
    CHECK(endpoint->literal() == *SocketAddress::parse(text));
    CHECK(endpoint->toString() == text);
    CHECK(*endpoint == Endpoint(*SocketAddress::parse(text)));
  }
}

TEST_CASE("endpoint: names keep their port, in lower case") {
  const auto endpoint = Endpoint::parse("Node2.Example:9000");
  REQUIRE(endpoint);
  CHECK(endpoint->isName());
  CHECK(endpoint->name() == "node2.example");
  CHECK(endpoint->port() == 9000);
  CHECK(endpoint->toString() == "node2.example:9000");
  CHECK(endpoint->literal().family() == AF_UNSPEC);
  CHECK_FALSE(endpoint->isUnix());
  CHECK(Endpoint::parse("node2.example.:1")->name() == "node2.example.");
}

TEST_CASE("endpoint: what is neither is refused, with the text in the error") {
  for (const char* text :
       {"", "node2", "node2:", "node2:65536", "node2:90 ", "-a.example:1", "a..b:1", "a b:1", ":9000",
        "10.0.0.300:9000", "10.0.0:9000", "fd00::2:9000", "node2.9:1", "[node2]:1", "unix:"}) {
    CAPTURE(text);
    const auto endpoint = Endpoint::parse(text);
    REQUIRE_FALSE(endpoint);
    CHECK(endpoint.error().message.find(std::string("'") + text + "'") != std::string::npos);
  }
}

TEST_CASE("endpoint: host names have limits") {
  const std::string label(63, 'a');
  CHECK(isHostName(label + ".example"));
  CHECK_FALSE(isHostName(label + "a.example"));
  CHECK(isHostName(label + "." + label + "." + label + "." + std::string(61, 'b')));
  CHECK_FALSE(isHostName(label + "." + label + "." + label + "." + std::string(62, 'b')));
  CHECK(isHostName("my_service"));
  CHECK(isHostName("xn--bcher-kva.example"));
  CHECK(isHostName("3com.example"));
  CHECK_FALSE(isHostName("."));
}

TEST_CASE("endpoint: an authority has no zone, and a unix address none at all") {
  CHECK(Endpoint::parse("unix:/run/x.sock")->authority() == "localhost");
  CHECK(Endpoint::parse("node2:9000")->authority() == "node2:9000");
  CHECK(Endpoint::parse("[fd00::2]:9000")->authority() == "[fd00::2]:9000");
  CHECK(Endpoint::parse("[fe80::1%1]:9000")->authority() == "[fe80::1]:9000");
}

TEST_CASE("address: a link-local address keeps its interface") {
  char name[IF_NAMESIZE] = {};
  REQUIRE(::if_indextoname(1, name) != nullptr);  // the loopback
  const std::string text = "[fe80::1%" + std::string(name) + "]:9000";
  const auto address = SocketAddress::parse(text);
  REQUIRE(address);
  CHECK(address->toString() == text);
  CHECK(*SocketAddress::parse("[fe80::1%1]:9000") == *address);
  CHECK_FALSE(*SocketAddress::parse("[fe80::1]:9000") == *address);
  CHECK_FALSE(SocketAddress::parse("[fe80::1%no-such-interface]:9000"));
  CHECK_FALSE(SocketAddress::parse("[fe80::1%]:9000"));
}
