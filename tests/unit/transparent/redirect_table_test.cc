// Goal: connects of others reach the listener, and its clients' real destinations are known there; our own pass; what lives is
// left alone.
#include "redirect_table.h"

#include <cerrno>

#include <doctest/doctest.h>

#include "own_network.h"
#include "peerpulse/net/original_destination.h"
#include "peerpulse/net/socket.h"

using namespace peerpulse;
using namespace peerpulse::transparent;

namespace {

constexpr uint32_t kMark = 0x70;

bool possible() {
  if (noOwnNetwork().empty()) return true;
  MESSAGE(noOwnNetwork());
  return false;
}

struct World {
  LocalServer listener{addressOf("127.0.0.1:0")};
  LocalServer listener6{addressOf("[::1]:0")};
  LocalServer peer{addressOf("127.0.0.2:0")};
  LocalServer peer6{addressOf("[fd00::2]:0")};
  RedirectTable table = made();

  void set(const std::vector<SocketAddress>& redirected, const std::vector<SocketAddress>& refused) {
    const auto renewed = table.set(redirected, refused);
    REQUIRE_MESSAGE(renewed.has_value(), (renewed ? "" : renewed.error().message));
    CHECK_FALSE(renewed->repaired);
  }

 private:
  RedirectTable made() {
    auto socket = netlink::NetlinkSocket::open(NETLINK_NETFILTER);
    REQUIRE(socket.has_value());
    auto made = RedirectTable::make(std::move(*socket), "unit", kMark, {listener.address(), listener6.address()});
    REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
    return std::move(*made);
  }
};

int outcome(const SocketAddress& to, uint32_t mark = 0) { return connectTo(to, mark).valid() ? 0 : errno; }

void sayHello(const Fd& from, const Fd& to) {
  char got = 0;
  REQUIRE(::send(from.get(), "x", 1, 0) == 1);
  REQUIRE(::recv(to.get(), &got, 1, 0) == 1);
  CHECK(got == 'x');
}

}  // namespace

TEST_CASE("a connect to a peer comes to the listener, which learns where it was meant to go") {
  if (!possible()) return;
  World world;
  world.set({world.peer.address(), world.peer6.address()}, {});
  for (const auto& [peer, listener] :
       {std::pair(&world.peer, &world.listener), std::pair(&world.peer6, &world.listener6)}) {
    const Fd client = connectTo(peer->address());
    REQUIRE(client.valid());
    const Fd accepted = listener->accept();
    CHECK(net::remoteAddress(client.get()) == peer->address());
    CHECK(net::originalDestination(accepted.get()).value() == peer->address());
    sayHello(client, accepted);
    sayHello(accepted, client);
    const Fd ours = connectTo(peer->address(), kMark);
    REQUIRE(ours.valid());
    const Fd passed = peer->accept();
    CHECK(net::originalDestination(passed.get()).value() == peer->address());
    sayHello(ours, passed);
  }
}

TEST_CASE("who connects to the listener itself was meant to go there") {
  if (!possible()) return;
  World world;
  world.set({world.peer.address()}, {});
  for (const LocalServer* listener : {&world.listener, &world.listener6}) {
    const Fd client = connectTo(listener->address());
    const Fd accepted = listener->accept();
    CHECK(net::originalDestination(accepted.get()).value() == listener->address());
  }
}

TEST_CASE("connections that live are left alone, turned ones and direct ones") {
  if (!possible()) return;
  World world;
  const Fd direct = connectTo(world.peer.address());
  const Fd atPeer = world.peer.accept();
  world.set({world.peer.address()}, {});
  sayHello(direct, atPeer);
  const Fd turned = connectTo(world.peer.address());
  const Fd here = world.listener.accept();
  world.set({}, {world.peer.address()});
  sayHello(turned, here);
  sayHello(atPeer, direct);
  world.set({}, {});
  sayHello(here, turned);
  const Fd again = connectTo(world.peer.address());
  const Fd atPeerAgain = world.peer.accept();
  sayHello(again, atPeerAgain);
}

TEST_CASE("a refused peer, and one port of a host") {
  if (!possible()) return;
  World world;
  const LocalServer neighbour(addressOf("127.0.0.2:0"));
  world.set({neighbour.address()}, {world.peer.address(), world.peer6.address()});
  CHECK(outcome(world.peer.address()) == ECONNREFUSED);
  CHECK(outcome(world.peer6.address()) == ECONNREFUSED);
  CHECK(outcome(world.peer.address(), kMark) == 0);
  const Fd client = connectTo(neighbour.address());
  const Fd accepted = world.listener.accept();
  CHECK(net::originalDestination(accepted.get()).value() == neighbour.address());
  world.set({world.peer.address()}, {});
  CHECK(outcome(world.peer.address()) == 0);
}

TEST_CASE("left alone it lets go, and goes with its owner") {
  if (!possible()) return;
  std::string name;
  LocalServer peer(addressOf("127.0.0.2:0"));
  {
    World world;
    name = world.table.name();
    CHECK(name == "peerpulse_unit_transparent");
    world.set({}, {peer.address()});
    const auto begin = Clock::now();
    while (outcome(peer.address()) == ECONNREFUSED)
      REQUIRE(Clock::now() - begin < seconds(2));
    CHECK(Clock::now() - begin > seconds(1));
    world.set({}, {peer.address()});
    CHECK(outcome(peer.address()) == ECONNREFUSED);
    CHECK(nft("list table inet " + name).find("flags owner") != std::string::npos);
  }
  CHECK(nft("list tables").empty());
  CHECK(outcome(peer.address()) == 0);
}
