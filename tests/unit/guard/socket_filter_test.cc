// Goal: the filter's program jumps where the kernel allows, and takes what it should. The kernel's own opinion of it is
// socket_destroyer_test's; here every instruction is followed by hand.
#include "socket_filter.h"

#include <cstring>
#include <linux/inet_diag.h>
#include <netinet/in.h>

#include <doctest/doctest.h>

#include "own_network.h"

using namespace peerpulse;
using namespace peerpulse::guard;

namespace {

struct Entry {
  SocketAddress remote;
  uint16_t localPort;
  uint32_t mark = 0;
};

/// As inet_diag_bc_run().
bool takes(const std::vector<uint8_t>& code, const Entry& entry) {
  const auto* remote = reinterpret_cast<const sockaddr_in*>(entry.remote.get());
  size_t at = 0;
  while (at < code.size()) {
    inet_diag_bc_op op;
    std::memcpy(&op, &code[at], sizeof op);
    bool yes = false;
    if (op.code == INET_DIAG_BC_MARK_COND) {
      inet_diag_markcond condition;
      std::memcpy(&condition, &code[at + sizeof op], sizeof condition);
      yes = (entry.mark & condition.mask) == condition.mark;
    } else if (op.code != INET_DIAG_BC_JMP) {
      inet_diag_hostcond condition;
      std::memcpy(&condition, &code[at + sizeof op], sizeof condition);
      const int port = op.code == INET_DIAG_BC_D_COND ? entry.remote.port() : entry.localPort;
      yes = condition.port == -1 || condition.port == port;
      if (yes && condition.prefix_len > 0) {
        REQUIRE(condition.family == AF_INET);
        yes = std::memcmp(&code[at + sizeof op + sizeof condition], &remote->sin_addr, 4) == 0;
      }
    }
    const size_t step = yes ? op.yes : op.no;
    REQUIRE(step >= sizeof op);
    at += step;
  }
  return at == code.size();
}

}  // namespace

TEST_CASE("either end's port, the remote host, and not our mark") {
  const SocketAddress host = addressOf("10.0.0.2:1");
  for (const std::vector<uint16_t>& ports : {std::vector<uint16_t>{9000}, {9000, 80}, {1, 2, 3, 80, 9000}}) {
    for (const uint32_t mark : {0U, 0x70U}) {
      const auto code = socketFilter(host, ports, mark);
      CHECK(takes(code, {addressOf("10.0.0.2:9000"), 45000}));  // we dialled
      CHECK(takes(code, {addressOf("10.0.0.2:45000"), 9000}));  // it did
      CHECK_FALSE(takes(code, {addressOf("10.0.0.2:45000"), 9001}));
      CHECK_FALSE(takes(code, {addressOf("10.0.0.3:9000"), 9000}));
      CHECK(takes(code, {addressOf("10.0.0.2:9000"), 45000, 0x71}));
      CHECK(takes(code, {addressOf("10.0.0.2:9000"), 45000, 0x70}) == (mark == 0));
    }
  }
}

TEST_CASE("as many ports as there may be fit a program") {
  std::vector<uint16_t> ports(16);
  for (size_t i = 0; i < ports.size(); ++i)
    ports[i] = static_cast<uint16_t>(9000 + i);
  const auto code = socketFilter(addressOf("10.0.0.2:1"), ports, 0x70);
  CHECK(takes(code, {addressOf("10.0.0.2:9015"), 1}));
  CHECK(takes(code, {addressOf("10.0.0.2:1"), 9000}));
  CHECK_FALSE(takes(code, {addressOf("10.0.0.2:1"), 9016}));
}
