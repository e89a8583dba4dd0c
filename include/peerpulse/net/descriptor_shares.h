// DescriptorShares: who may have the last descriptors of this process. Clients come in any number, and each of them takes
// one; the prober that finds none left would be blind, the admin mute, and the exchanges of the clients that are there
// would find no way to their peer. So what is left is divided, and each use stops before it takes what is another's:
//
//   0 ..... taken at the start | clients ......... | upstream .... | admin .. | probes .. limit
//                              clients may go to ->
//                              upstream connections may go to ------>
//                              the admin's may go to --------------------------->
//                              the prober's may go to the limit ------------------------------>
//
// Nothing is counted. The kernel gives the lowest number that is free (POSIX open()), so a descriptor's own number says
// how many are in use, whoever closed and opened them: where it lies beyond the ceiling of its use it is closed again.
//
// Threading: divide() from one thread, allows() from any: relaxed atomics, an old ceiling does no harm for a moment.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <climits>

namespace peerpulse::net {

enum class DescriptorUse : uint8_t { kClient, kUpstream, kAdmin, kProbe };
inline constexpr size_t kDescriptorUses = 4;

class DescriptorShares {
 public:
  /// For each peer: its probe connection, the K + K/2 of a confirm, an attempt of each kind.
  static constexpr uint64_t kProbesPerPeer = 16;
  /// As many as the admin ever has, and one each for a log that is opened anew, a look at the link, the service manager.
  static constexpr uint64_t kAdmin = 132;

  /// `limit`: RLIMIT_NOFILE; `taken`: in use before the first client came. Until then everything is allowed. Where there is
  /// too little for all, the prober has up to a quarter of what is left, the admin an eighth; upstream connections have a
  /// quarter of the rest to themselves.
  void divide(uint64_t limit, uint64_t taken, uint32_t peers);
  /// Whether `fd`, just made, may be kept for `use`.
  bool allows(DescriptorUse use, int fd) const { return fd < ceiling(use); }
  /// How many are `use`'s own. Who is bounded by the highest numbers alone could take those of others below them, so the
  /// admin, which needs few, has no more connections than this.
  size_t share(DescriptorUse use) const;
  /// The first number that is too high.
  int ceiling(DescriptorUse use) const { return at(use).load(std::memory_order_relaxed); }

 private:
  const std::atomic<int>& at(DescriptorUse use) const { return ceilings_[static_cast<size_t>(use)]; }

  std::array<std::atomic<int>, kDescriptorUses> ceilings_{INT_MAX, INT_MAX, INT_MAX, INT_MAX};
};

}  // namespace peerpulse::net
