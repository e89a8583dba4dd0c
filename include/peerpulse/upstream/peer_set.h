// PeerSet: the peers of one version of the configuration: an immutable snapshot that any thread may hold. A reload makes
// a new one; what has gone from it is gone for those who look in the new one, while those who began with the old one
// keep it.
//
// Threading: immutable; shared by std::shared_ptr.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "peerpulse/upstream/options.h"

namespace peerpulse::upstream {

class PeerSet {
 public:
  /// Ids, slots and names are unique.
  PeerSet(uint64_t version, std::vector<PeerOptionsRef> peers);

  uint64_t version() const { return version_; }
  size_t size() const { return peers_.size(); }
  /// Null when it is not in this set: gone, or not yet there.
  const PeerOptionsRef* find(PeerId id) const;
  const PeerOptionsRef* find(std::string_view name) const;
  auto begin() const { return peers_.begin(); }
  auto end() const { return peers_.end(); }

 private:
  uint64_t version_;
  std::vector<PeerOptionsRef> peers_;
};

using PeerSetRef = std::shared_ptr<const PeerSet>;

}  // namespace peerpulse::upstream
