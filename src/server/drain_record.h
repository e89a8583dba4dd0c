// DrainRecord: how a drain ended, told to the process that comes after. A scrape every 15 s seldom falls into a drain of
// 10 s, and who is scraped next knows nothing of it: so it is written down, and taken up once.
//
// Threading: none. Ownership: the file is peerpulse's own; it is replaced whole, and gone once it was taken.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "peerpulse/base/result.h"

namespace peerpulse::server {

struct DrainEnd {
  uint32_t leftPermille = 1000;  ///< of drain_timeout
  uint64_t cut = 0;              ///< exchanges that were not done
};

class DrainRecord {
 public:
  /// Empty: nothing is written, and nothing found.
  explicit DrainRecord(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  /// Replaces what is there.
  Result<void> write(const DrainEnd& end) const;
  /// What the process before this one wrote. Takes it away: a process that is killed tells nothing, and what an earlier one
  /// told is not its end. Empty if there is none, or it is not what write() makes.
  std::optional<DrainEnd> take() const;

 private:
  const std::string path_;
};

/// The file: the one that the configuration names, else one in the directory that systemd keeps for the service
/// ($STATE_DIRECTORY: names separated by colons, the first is taken; null: not set), else none.
std::string drainRecordPath(const std::string& configured, const char* stateDirectory);

}  // namespace peerpulse::server
