// Installation: puts a Plan on a host, and takes it away, in an order in which no name leads where nobody listens: files, route,
// and the names in /etc/hosts last; the other way round when it goes. What was put there is noted in /etc/peerpulse/recipe.json,
// so that it can be taken away, or replaced by that of another list of nodes, without being told what it was.
//
// Each file is written whole (a new one, renamed over the old; in place where /etc/hosts is a mount of its own, as in containers).
// What somebody has changed since is never overwritten or removed: that is an error, before anything is touched; but a configuration
// whose node, preset and peers are the plan's serves as it is, whoever wrote it.
// Two at once: the second one is refused, by a lock on the folder /etc. Threading: any thread. Errors say what, where, and what
// to do; what was done before stays, and the same again goes on with it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "peerpulse/base/result.h"
#include "peerpulse/recipe/address_route.h"
#include "peerpulse/recipe/plan.h"

namespace peerpulse::recipe {

struct Outcome {
  std::vector<std::string> changes;  ///< a line each; nothing if there was nothing to do
  std::string waitsFor;              ///< what must be before the rest can be done; empty: all is done
};

class Installation {
 public:
  /// `root`: of the file system; "" is that of this process. `route`: null in another root, which is no running host's.
  explicit Installation(std::string root = {}, AddressRoute* route = nullptr)
      : root_(std::move(root)), route_(route) {}

  /// Where names lead by what is applied (Wish::known).
  Result<std::map<std::string, std::string>> listens();
  /// `namesWaitFor`: why names must not lead to listeners yet; empty: they may.
  Result<Outcome> apply(const Plan& plan, const std::string& namesWaitFor);
  /// Things that are not the recipe's any more stay, and are told.
  Result<Outcome> undo();

 private:
  const std::string root_;
  AddressRoute* const route_;
};

}  // namespace peerpulse::recipe
