// TableClaim: a name for a table that no other process of this network namespace uses: the abstract unix socket of that
// name is bound as long as this lives. Abstract names belong to the namespace, and die with their process.
#pragma once

#include <string>

#include "peerpulse/base/fd.h"
#include "peerpulse/base/result.h"

namespace peerpulse::netlink {

class TableClaim {
 public:
  /// `base`, or if that is taken `base`_2 and so on.
  static Result<TableClaim> take(const std::string& base);

  const std::string& name() const { return name_; }

  static constexpr int kMostOfOneName = 16;

 private:
  TableClaim(Fd socket, std::string name) : socket_(std::move(socket)), name_(std::move(name)) {}

  Fd socket_;
  std::string name_;
};

}  // namespace peerpulse::netlink
