// Goal: the kernel's hexadecimal is read right, in both families.
#include "socket_table.h"

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

TEST_CASE("socket_table: listeners and connections") {
  const auto sockets = parseTcpTable(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 00000000:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0\n"
      "   1: 0100007F:9C40 0C00007F:2328 01 00000000:00000000 02:000005 00000000  1000        0 4712 2 0 20\n"
      "   nonsense\n");
  REQUIRE(sockets.size() == 2);
  CHECK(sockets[0].local.toString() == "0.0.0.0:9000");
  CHECK(sockets[0].listening);
  CHECK(sockets[0].inode == 4711);
  CHECK(isWildcard(sockets[0].local));
  CHECK(sockets[1].remote.toString() == "127.0.0.12:9000");
  CHECK(sockets[1].established);
  CHECK_FALSE(isWildcard(sockets[1].local));
}

TEST_CASE("socket_table: IPv6") {
  const auto sockets = parseTcpTable(
      "   0: 00000000000000000000000000000000:2328 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 1\n"
      "   1: 0000000000000000FFFF00000100007F:9C40 0000000000000000FFFF00000C00007F:2328 01 0:0 0:0 0 0 0 2\n");
  REQUIRE(sockets.size() == 2);
  CHECK(sockets[0].local.toString() == "[::]:9000");
  CHECK(isWildcard(sockets[0].local));
  CHECK(sameHost(sockets[1].remote, *SocketAddress::parse("127.0.0.12:1")));
  CHECK_FALSE(sameHost(sockets[1].remote, *SocketAddress::parse("127.0.0.13:9000")));
  CHECK_FALSE(sameHost(*SocketAddress::parse("unix:/a"), *SocketAddress::parse("unix:/a")));
}

}  // namespace
}  // namespace peerpulse::cli
