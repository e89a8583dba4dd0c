// Goal: a set of peers is found by id and by name, does not change, and is pinned by whoever holds it.
#include "peerpulse/upstream/peer_set.h"

#include <doctest/doctest.h>

#include "aborts.h"

using namespace peerpulse;
using namespace peerpulse::upstream;

namespace {

PeerOptionsRef peer(uint32_t slot, uint16_t epoch, std::string name) {
  PeerOptions options;
  options.id = makePeerId(slot, epoch);
  options.name = std::move(name);
  return std::make_shared<const PeerOptions>(options);
}

}  // namespace

TEST_CASE("peer set: found by id and by name") {
  const PeerSet set(3, {peer(0, 0, "node2"), peer(5, 2, "node3")});
  CHECK(set.version() == 3);
  CHECK(set.size() == 2);
  REQUIRE(set.find(makePeerId(5, 2)) != nullptr);
  CHECK((*set.find(makePeerId(5, 2)))->name == "node3");
  REQUIRE(set.find("node2") != nullptr);
  CHECK((*set.find("node2"))->id == makePeerId(0, 0));
  CHECK(set.find("node4") == nullptr);
  CHECK(set.find("") == nullptr);
}

TEST_CASE("peer set: an id of another epoch names nobody") {
  const PeerSet set(1, {peer(5, 2, "node3")});
  CHECK(set.find(makePeerId(5, 1)) == nullptr);
  CHECK(set.find(makePeerId(5, 3)) == nullptr);
  CHECK(set.find(makePeerId(2, 5)) == nullptr);
}

TEST_CASE("peer set: in the order given") {
  const PeerSet set(1, {peer(9, 0, "c"), peer(1, 0, "a"), peer(4, 0, "b")});
  std::string names;
  for (const PeerOptionsRef& each : set)
    names += each->name;
  CHECK(names == "cab");
}

TEST_CASE("peer set: of nobody") {
  const PeerSet set(0, {});
  CHECK(set.size() == 0);
  CHECK(set.begin() == set.end());
  CHECK(set.find(PeerId{}) == nullptr);
}

TEST_CASE("peer set: who pins it keeps its peers when a newer one drops them") {
  PeerSetRef current = std::make_shared<const PeerSet>(1, std::vector{peer(0, 0, "node2"), peer(1, 0, "node3")});
  const PeerSetRef pinned = current;
  current = std::make_shared<const PeerSet>(2, std::vector{*pinned->find("node2")});
  CHECK(current->find("node3") == nullptr);
  CHECK(pinned->find("node3") != nullptr);
  CHECK(*current->find("node2") == *pinned->find("node2"));  // the same options, not a copy
}

TEST_CASE("peer set: slots and names are unique") {
  CHECK(peerpulse::test::aborts([] { PeerSet(1, {peer(0, 0, "a"), peer(1, 0, "a")}); }));
  CHECK(peerpulse::test::aborts([] { PeerSet(1, {peer(3, 0, "a"), peer(3, 1, "b")}); }));
  CHECK_FALSE(peerpulse::test::aborts([] { PeerSet(1, {peer(3, 0, "a"), peer(4, 0, "b")}); }));
}
