// Goal: every way to write an address of this host is known to lead to our own listening socket, and no other address is.
#include "../../../src/config/own_address.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using config::hostOf;
using config::leadsTo;
using config::OwnHosts;

namespace {

SocketAddress at(const char* text) { return SocketAddress::parse(text).value(); }

OwnHosts hosts() { return OwnHosts({hostOf(at("10.0.0.1:0")), hostOf(at("[fd00::1]:0"))}); }

}  // namespace

TEST_CASE("own_address: what leads to a socket of ours, and what does not") {
  const struct {
    const char* address;
    const char* listen;
    bool leads;
  } rows[] = {
      {"127.0.0.1:9000", "127.0.0.1:9000", true},
      {"127.0.0.1:9000", "127.0.0.1:9001", false},
      {"127.0.0.1:9000", "127.0.0.12:9000", false},
      {"10.0.0.2:9000", "0.0.0.0:9000", false},
      {"10.0.0.1:9000", "0.0.0.0:9000", true},
      {"10.0.0.1:9000", "[::]:9000", true},
      {"10.0.0.1:9000", "127.0.0.1:9000", false},
      {"127.0.0.1:9000", "0.0.0.0:9000", true},
      {"127.9.9.9:9000", "0.0.0.0:9000", true},
      {"127.0.0.1:9001", "0.0.0.0:9000", false},
      {"0.0.0.0:9000", "127.0.0.1:9000", true},
      {"0.0.0.0:9000", "0.0.0.0:9000", true},
      {"0.0.0.0:9000", "127.0.0.2:9000", false},
      {"0.0.0.0:9000", "10.0.0.1:9000", false},
      {"[::ffff:127.0.0.1]:9000", "0.0.0.0:9000", true},
      {"[::ffff:10.0.0.1]:9000", "10.0.0.1:9000", true},
      {"[::1]:9000", "[::]:9000", true},
      {"[::1]:9000", "0.0.0.0:9000", false},
      {"[::]:9000", "[::1]:9000", true},
      {"[fd00::1]:9000", "[::]:9000", true},
      {"[fd00::2]:9000", "[::]:9000", false},
      {"unix:/run/a.sock", "unix:/run/a.sock", true},
      {"unix:/run/a.sock", "unix:/run/b.sock", false},
      {"unix:/run/a.sock", "0.0.0.0:9000", false},
      {"127.0.0.1:9000", "127.0.0.1:0", false},  // the system's choice
  };
  for (const auto& row : rows) {
    CAPTURE(row.address);
    CAPTURE(row.listen);
    CHECK(leadsTo(at(row.address), at(row.listen), hosts()) == row.leads);
  }
}

TEST_CASE("own_address: this host has the loopback, and not everybody's address") {
  const OwnHosts own = OwnHosts::ofThisHost();
  CHECK(own.has(hostOf(at("127.0.0.1:1"))));
  CHECK(own.has(hostOf(at("127.1.2.3:1"))));
  CHECK_FALSE(own.has(hostOf(at("192.0.2.77:1"))));  // TEST-NET-1
}
