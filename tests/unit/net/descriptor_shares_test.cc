// Goal: whatever clients take, the exchanges, the admin and the prober find descriptors; nothing is refused while there is
// plenty.
#include "peerpulse/net/descriptor_shares.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "peerpulse/base/fd.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/net/plain_transport.h"
#include "peerpulse/net/socket.h"

using namespace peerpulse;
using net::DescriptorShares;
using net::DescriptorUse;

TEST_CASE("descriptor_shares: before they are divided everything is allowed") {
  const DescriptorShares shares;
  for (const auto use :
       {DescriptorUse::kClient, DescriptorUse::kUpstream, DescriptorUse::kAdmin, DescriptorUse::kProbe})
    CHECK(shares.allows(use, 1'000'000));
}

TEST_CASE("descriptor_shares: each use stops before the next one's share, whatever the limit") {
  for (const uint64_t limit :
       {uint64_t{0}, uint64_t{24}, uint64_t{64}, uint64_t{256}, uint64_t{1024}, uint64_t{1'048'576}, UINT64_MAX}) {
    for (const uint32_t peers : {1u, 3u, 100u, 1024u}) {
      CAPTURE(limit);
      CAPTURE(peers);
      DescriptorShares shares;
      shares.divide(limit, 24, peers);
      const int clients = shares.ceiling(DescriptorUse::kClient), upstream = shares.ceiling(DescriptorUse::kUpstream);
      const int admin = shares.ceiling(DescriptorUse::kAdmin), probes = shares.ceiling(DescriptorUse::kProbe);
      CHECK(clients <= upstream);
      CHECK(upstream <= admin);
      CHECK(admin <= probes);
      CHECK(static_cast<uint64_t>(probes) == std::min<uint64_t>(limit, INT_MAX));
      if (limit < 64) continue;
      CHECK(clients - 24 >= (probes - 24) / 3);  // most of it is the clients'
      CHECK(upstream > clients);
      CHECK(admin - upstream >= 5);
      CHECK(probes - admin >= 10);
    }
  }
}

TEST_CASE("descriptor_shares: with plenty the prober has 16 for each peer") {
  DescriptorShares shares;
  shares.divide(1'000'000, 100, 1000);
  CHECK(shares.share(DescriptorUse::kProbe) == 16'000);
  CHECK(shares.share(DescriptorUse::kAdmin) == 132);
  CHECK(shares.ceiling(DescriptorUse::kClient) > 700'000);
}

TEST_CASE("descriptor_shares: the limit may fall while the process runs") {
  DescriptorShares shares;
  shares.divide(1024, 20, 1);
  CHECK(shares.allows(DescriptorUse::kClient, 500));
  shares.divide(64, 20, 1);
  CHECK_FALSE(shares.allows(DescriptorUse::kClient, 500));
  CHECK(shares.allows(DescriptorUse::kClient, 20));
}

TEST_CASE(
    "descriptor_shares: a connection that would take what is another's fails as if there were no descriptor, and "
    "gives "
    "it back") {
  auto listener = net::createListenSocket(SocketAddress::parse("127.0.0.1:0").value(), 16);
  REQUIRE(listener.has_value());
  const SocketAddress address = net::localAddress(listener->get());
  event::Dispatcher dispatcher;
  DescriptorShares shares;
  net::PlainConnector connector(dispatcher, &shares);
  CHECK(connector.connect(address, {}).has_value());
  const auto lowestFree = [&] { return Fd(::dup(listener->get())).get(); };
  const int next = lowestFree();
  shares.divide(static_cast<uint64_t>(next), static_cast<uint64_t>(next), 1);  // nothing is left
  for (int i = 0; i < 100; ++i) {
    const auto refused = connector.connect(address, {});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == EMFILE);
  }
  CHECK(lowestFree() == next);  // none was kept
  net::PlainConnector unlimited(dispatcher);
  CHECK(unlimited.connect(address, {}).has_value());
}
