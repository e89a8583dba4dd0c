// Answer: what came of asking for one name and one address family.
//
// Threading: a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/time.h"

namespace peerpulse::dns {

enum class Status : uint8_t {
  kOk,
  kNoSuchName,     ///< NXDOMAIN
  kNoAddress,      ///< the name exists, and has no address of this family
  kTimeout,        ///< no server answered in time
  kServerFailure,  ///< SERVFAIL, NOTIMP
  kRefused,        ///< REFUSED
  kBadAnswer,      ///< FORMERR, or what makes no sense
  kUnreachable,    ///< no server could be asked, or none of several gave a usable answer
  kLoop,           ///< nothing but addresses that lead back to our own listeners
  kOwnTrouble,     ///< no memory, no descriptor, the process ends
};
inline constexpr size_t kStatuses = 10;
/// "ok", "no_such_name", "no_address", "timeout", "server_failure", "refused", "bad_answer", "unreachable", "loop",
/// "own_trouble".
const char* toString(Status status);
/// The same for people.
const char* explain(Status status);

/// Whether it says something of the name itself: it is no trouble on the way to who knows.
inline bool isDefinite(Status status) {
  return status == Status::kOk || status == Status::kNoSuchName || status == Status::kNoAddress;
}

enum class Family : uint8_t { kV4, kV6 };
inline constexpr size_t kFamilies = 2;

struct Answer {
  Status status = Status::kOwnTrouble;
  std::vector<SocketAddress> addresses;  ///< with the peer's port; only of kOk, and then not empty
  Duration ttl{};                        ///< the least of theirs
};

}  // namespace peerpulse::dns
