// Goal: who answered last is tried first, the families alternate, and a change says whether something has gone.
#include "peerpulse/net/address_order.h"

#include <string>

#include <doctest/doctest.h>

using namespace peerpulse;
using peerpulse::net::AddressOrder;

namespace {

SocketAddress at(const std::string& text) { return SocketAddress::parse(text).value(); }

AddressSet setOf(const std::vector<std::string>& texts) {
  AddressSet set;
  for (const std::string& text : texts)
    set.addresses.push_back(at(text));
  return set;
}

std::vector<std::string> texts(const AddressOrder& order) {
  return AddressSet{{order.inOrder().begin(), order.inOrder().end()}}.texts();
}
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("address order: a literal is all there is") {
  AddressOrder order(at("10.0.0.2:1"));
  CHECK(order.size() == 1);
  order.rotate();
  order.answered(at("10.0.0.3:1"));
  CHECK(texts(order) == Texts{"10.0.0.2:1"});
  CHECK(AddressOrder().empty());
}

TEST_CASE("address order: IPv6 first as long as nothing is known, then in turn") {
  AddressOrder order;
  CHECK_FALSE(order.set(setOf({"10.0.0.2:1", "10.0.0.3:1", "[fd00::2]:1", "10.0.0.4:1"})));
  CHECK(texts(order) == Texts{"[fd00::2]:1", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1"});
}

TEST_CASE("address order: who answered goes first, and after him the other family") {
  AddressOrder order;
  order.set(setOf({"[fd00::2]:1", "10.0.0.2:1", "[fd00::3]:1", "10.0.0.3:1"}));
  order.answered(at("10.0.0.3:1"));
  CHECK(texts(order) == Texts{"10.0.0.3:1", "[fd00::2]:1", "10.0.0.2:1", "[fd00::3]:1"});
  order.answered(at("10.9.9.9:1"));
  CHECK(order.first() == at("10.0.0.3:1"));
  order.rotate();
  CHECK(order.first() == at("[fd00::2]:1"));
  CHECK(order.size() == 4);
}

TEST_CASE("address order: a change says whether something has gone, and keeps who answered first") {
  AddressOrder order;
  order.set(setOf({"10.0.0.2:1", "10.0.0.3:1"}));
  order.answered(at("10.0.0.3:1"));
  CHECK_FALSE(order.set(setOf({"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"})));
  CHECK(order.first() == at("10.0.0.3:1"));
  CHECK(order.set(setOf({"10.0.0.1:1", "10.0.0.2:1"})));
  CHECK(order.first() == at("10.0.0.1:1"));
  CHECK_FALSE(order.has(at("10.0.0.3:1")));
}
