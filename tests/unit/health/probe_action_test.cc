#include "peerpulse/health/probe_action.h"

#include <variant>

#include <doctest/doctest.h>

#include "aborts.h"

namespace peerpulse::health {
namespace {

using peerpulse::test::aborts;

TEST_CASE("probe_action: a list keeps its order, and a copy is one of its own") {
  Actions actions;
  CHECK(actions.begin() == actions.end());
  actions.add(OpenConnection{7, ConnectionKind::kRequests});
  actions.add(SendPing{7, 1});
  const Actions copy = actions;
  actions.add(CloseConnection{7});
  REQUIRE(copy.size() == 2);
  CHECK(std::get<OpenConnection>(copy.begin()[0]).kind == ConnectionKind::kRequests);
  CHECK(std::get<SendPing>(copy.begin()[1]).sequence == 1);
  CHECK(copy.end() - copy.begin() == 2);
  CHECK(actions.size() == 3);
}

TEST_CASE("probe_action: more than fit are a broken invariant, not a longer list") {
  Actions actions;
  for (size_t i = 0; i < Actions::kCapacity; ++i)
    actions.add(CloseConnection{});
  CHECK(aborts([&] { actions.add(CloseConnection{}); }));
}

}  // namespace
}  // namespace peerpulse::health
