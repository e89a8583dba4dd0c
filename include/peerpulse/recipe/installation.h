// Installation: puts a Plan on a host, and takes it away. What was put there is noted in /etc/peerpulse/recipe.json, so that it can be
// taken away, or replaced by that of another cluster, without being told what it was.
//
// Each file is written whole (a new one, renamed over the old; in place where /etc/hosts is a mount of its own, as in containers).
// What somebody has changed since is never overwritten or removed: that is an error, before anything is touched.
// Threading: one at a time on a host; any thread. Errors say what, where, and what to do.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "peerpulse/base/result.h"
#include "peerpulse/recipe/plan.h"

namespace peerpulse::recipe {

class Installation {
 public:
  /// `root`: of the file system; "" is that of this process.
  explicit Installation(std::string root = {}) : root_(std::move(root)) {}

  /// Where names lead by what is applied (Wish::known).
  Result<std::map<std::string, std::string>> listens();
  /// What was changed, a line each; nothing if all was there.
  Result<std::vector<std::string>> apply(const Plan& plan);
  /// The same; nothing if there was nothing. Things that are not the recipe's any more stay, and are told.
  Result<std::vector<std::string>> undo();

 private:
  std::string at(const std::string& path) const { return root_ + path; }
  const std::string root_;
};

}  // namespace peerpulse::recipe
