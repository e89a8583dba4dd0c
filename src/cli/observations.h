// Observations: all that a diagnosis goes by. Filled by asking the admin, the kernel and the peer; judged by diagnose().
//
// Threading: values.
#pragma once

#include <optional>
#include <string>

#include "kernel_routes.h"
#include "peerpulse/base/time.h"

namespace peerpulse::cli {

/// Of a question to the peer's host.
enum class Heard {
  kNotAsked,
  kNotPermitted,  ///< this process may not ask so
  kAnswered,
  kSilent,
  kUnreachable,  ///< some router, or our own kernel, said so
};

struct EchoAnswer {
  Heard heard = Heard::kNotAsked;
  Duration roundTrip{};
  int error = 0;  ///< with kUnreachable and kNotPermitted
};

struct ArpAnswer {
  Heard heard = Heard::kNotAsked;
  std::string linkAddress;
  int error = 0;
};

struct ConnectAnswer {
  enum class Kind {
    kNotAsked,
    kGuarded,      ///< peerpulse itself would refuse or take it, and this process may not set the mark that passes
    kAccepted,     ///< the kernel of the peer took it
    kRefused,      ///< by RST
    kSilent,       ///< nothing came
    kUnreachable,  ///< a router, a firewall or our own kernel said no: `error`
    kOwnTrouble,   ///< no descriptor, port or memory on this host: `error`
  };
  Kind kind = Kind::kNotAsked;
  int error = 0;
  Duration took{};
};

struct SpeechAnswer {
  enum class Kind {
    kNotAsked,
    kHttp2,   ///< the PING was answered
    kHttp1,   ///< in HTTP/1
    kTls,     ///< by a TLS alert, or by HTTP that says that TLS is expected
    kOther,   ///< bytes that are no HTTP
    kClosed,  ///< the connection was ended without a word
    kSilent,
  };
  Kind kind = Kind::kNotAsked;
  int status = 0;  ///< of HTTP/1
  Duration took{};
};

struct HealthAnswer {
  bool asked = false;
  int status = 0;  ///< 0: no answer
  std::string error;
};

/// What peerpulse itself says.
struct AdminView {
  bool reached = false;
  std::string error;  ///< why it was not
  std::string verdict;
  std::string circuit;
  std::string reason;
  std::string since;  ///< RFC 3339
  std::string localHealth;
  std::string guardState;
  std::string transparentWay;  ///< empty: of a version that has none
  bool overridden = false;
  bool heard = false;         ///< anything of the host, ever since it started
  bool processHeard = false;  ///< anything of the process
  /// It turned away clients, or could not open connections, for want of descriptors while we watched.
  bool descriptorsGone = false;
};

struct Observations {
  std::string peer;     ///< its name, or its address
  std::string address;  ///< "10.0.0.2:9000"
  bool loopback = false;
  AdminView admin;
  std::optional<Route> route;
  std::optional<Neighbour> neighbour;  ///< the peer's, or the gateway's
  ArpAnswer arp;                       ///< of the peer; not asked beyond a gateway
  EchoAnswer echo;
  ConnectAnswer connect;
  ConnectAnswer closedPort;  ///< of another port, where nobody should listen
  SpeechAnswer speech;
  std::optional<bool> tls;
  HealthAnswer health;
  Duration took{};
};

}  // namespace peerpulse::cli
