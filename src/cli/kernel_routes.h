// What this host's kernel knows of the way to an address: the route, the link, and the link address of the next hop
// (rtnetlink(7)). Nothing is sent to the network.
//
// Threading: free functions without state. Errors: have the errno; what the kernel says of the destination is no error.
#pragma once

#include <optional>
#include <string>

#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"

namespace peerpulse::cli {

struct Route {
  enum class Kind {
    kNone,       ///< there is no route (ENETUNREACH)
    kForbidden,  ///< unreachable, prohibit, blackhole
    kLocal,      ///< an address of this host
    kUnicast,
  };
  Kind kind = Kind::kNone;
  int interface = 0;
  std::string device;
  std::string source;   ///< the own address that packets would have
  std::string gateway;  ///< empty: on the link
  bool carrier = true;  ///< of the device
};
Result<Route> lookUpRoute(const SocketAddress& to);

/// An entry of the neighbour table (ARP, neighbour discovery).
struct Neighbour {
  /// As the kernel's states: being asked for the first time; believed; asked for in vain; set by hand.
  enum class State { kIncomplete, kKnown, kFailed, kPermanent };
  State state = State::kIncomplete;
  std::string linkAddress;  ///< "02:00:00:00:00:01"; empty when there is none
};
/// Of `host` (its port does not matter) on that interface; nothing when the kernel has not needed it lately.
Result<std::optional<Neighbour>> lookUpNeighbour(const SocketAddress& host, int interface);

/// The bytes of a link address, in the usual way.
std::string linkAddressText(const unsigned char* bytes, size_t size);

}  // namespace peerpulse::cli
