// What can be said of a state machine's graph without running it.
#pragma once

#include <array>
#include <cstddef>
#include <set>

namespace peerpulse::http::test {

/// The states that edges lead to from `from`, with itself.
template <class State, size_t N>
std::set<State> reachable(State from, const std::array<State, N>& all) {
  std::set<State> found{from};
  for (bool more = true; more;) {
    more = false;
    for (const State a : all) {
      for (const State b : all) {
        if (found.count(a) != 0 && mayFollow(a, b)) more |= found.insert(b).second;
      }
    }
  }
  return found;
}

}  // namespace peerpulse::http::test
