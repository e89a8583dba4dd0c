// Goal: the kernel's tables are read as they are, and a socket is found with its owner.
#include "peerpulse/recipe/socket_table.h"

#include <algorithm>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "peerpulse/base/fd.h"

using namespace peerpulse;
using namespace peerpulse::recipe;

TEST_CASE("socket table: what the kernel prints") {
  const auto sockets = parseSocketTable(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0C00007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 "
      "10 0\n"
      "   1: 0100000A:9C40 0200000A:2328 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 "
      "10 0\n"
      "   2: 0100000A:9C41 0200000A:2328 06 00000000:00000000 00:00000000 00000000     0        0 0 1 0 100 0 0 10 "
      "0\n"
      "   3: broken\n");
  REQUIRE(sockets.size() == 3);
  CHECK(sockets[0].local == "127.0.0.12:9000");
  CHECK(sockets[0].listens);
  CHECK(sockets[0].inode == 4711);
  CHECK(sockets[1].remote == "10.0.0.2:9000");
  CHECK(sockets[1].open);
  CHECK_FALSE(sockets[2].open);
  const auto six = parseSocketTable(
      "heading\n"
      "   0: 0000000000000000FFFF00000C00007F:2328 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 7 1\n"
      "   1: 00000000000000000000000001000000:2328 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 8 1\n");
  REQUIRE(six.size() == 2);
  CHECK(six[0].local == "127.0.0.12:9000");
  CHECK(six[1].local == "[::1]:9000");
}

TEST_CASE("socket table: our own listener is ours") {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(fd.valid());
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(::listen(fd.get(), 1) == 0);
  REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  struct stat status {};
  REQUIRE(::fstat(fd.get(), &status) == 0);
  const SocketTable table = SocketTable::read();
  const auto at = std::find_if(table.sockets.begin(), table.sockets.end(),
                               [&](const TcpSocket& socket) { return socket.inode == status.st_ino; });
  REQUIRE(at != table.sockets.end());
  CHECK(at->listens);
  CHECK(at->local == "127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
  REQUIRE(table.owners.contains(status.st_ino));
  CHECK(table.owners.at(status.st_ino).pid == ::getpid());
}
