#include "diagnosis.h"

#include <cstring>

namespace peerpulse::cli {

namespace {

using Connect = ConnectAnswer::Kind;
using Speech = SpeechAnswer::Kind;

std::string hostOf(const std::string& address) { return address.substr(0, address.rfind(':')); }
std::string portOf(const std::string& address) { return address.substr(address.rfind(':') + 1); }

/// Its kernel has said something just now, on whatever way.
bool hostAnswers(const Observations& o) {
  return o.echo.heard == Heard::kAnswered || o.closedPort.kind == Connect::kRefused ||
         o.closedPort.kind == Connect::kAccepted;
}

Diagnosis noRoute(const Observations& o) {
  const bool forbidden = o.route->kind == Route::Kind::kForbidden;
  return {Cause::kNoRoute,
          forbidden ? "this host's routing table forbids the way to " + hostOf(o.address) +
                          " (unreachable, prohibit or blackhole)"
                    : "this host has no route to " + hostOf(o.address) + ": nothing is sent at all",
          {"look at `ip route get " + hostOf(o.address) + "` and `ip address` on this host",
           "put the missing address or route back (`ip route add ... dev ...`), and where it is set at boot",
           "the peer is not to blame: do not restart it"}};
}

Diagnosis ownLink(const Observations& o) {
  return {Cause::kOwnLink,
          "this host's own link " + o.route->device + " has no carrier: it is this host that is cut off",
          {"look at the cable, the port of the switch and `ip link show " + o.route->device + "` on this host"}};
}

Diagnosis gatewaySilent(const Observations& o) {
  return {Cause::kGatewaySilent,
          "the gateway " + o.route->gateway + " on the way to " + hostOf(o.address) + " does not answer ARP",
          {"look at the router, or at the route: `ip route get " + hostOf(o.address) + "`"}};
}

Diagnosis thisHostCutOff() {
  return {Cause::kThisHostCutOff,
          "most peers fell silent at once: this host, its cable or its switch is cut off, rather than all of them",
          {"ask from another node: `peerpulse status` there says whether this host is the one that is missing",
           "look at this host's link, its switch and its firewall first"}};
}

Diagnosis neighbourStale(const Observations& o) {
  const bool permanent = o.neighbour->state == Neighbour::State::kPermanent;
  return {Cause::kNeighbourStale,
          "packets to " + hostOf(o.address) + " go to the wrong network card: the neighbour table of this host has " +
              o.neighbour->linkAddress + (permanent ? " (set by hand)" : "") + ", but the host answers as " +
              o.arp.linkAddress,
          {"remove the stale entry: `ip neigh del " + hostOf(o.address) + " dev " + o.route->device + "`",
           permanent ? "find what sets it at boot: it must follow when a network card is replaced"
                     : "if it comes back, two hosts have this address: look at who has which card"}};
}

Diagnosis hostSilent(const Observations& o) {
  return {Cause::kHostSilent,
          "the network card of " + hostOf(o.address) + " answers ARP, but neither ICMP nor any TCP port does",
          {"its firewall drops everything from this host, it has no route back to this host, or its kernel hangs",
           "look at its console: `nft list ruleset`, `ip route get <this host>`, the kernel's log",
           "if the console is dead too, power-cycle it"}};
}

Diagnosis nobodyThere(const Observations& o, bool sure) {
  const std::string unsure = sure ? "" : " (this command may not send ARP requests: run it as root to be sure)";
  if (o.admin.reached && !o.admin.heard) {
    return {Cause::kWrongAddress,
            "nobody has the address " + hostOf(o.address) +
                ", and peerpulse has not heard a word from it since it started: the address is wrong, or the host "
                "has been "
                "off ever since" +
                unsure,
            {"compare `address` of " + o.peer + " in the configuration with `ip address` on that host",
             "if the address is right, switch the host on"}};
  }
  return {Cause::kPowerOff,
          "the host " + hostOf(o.address) +
              " is silent altogether: it has no power, its cable is out, or its kernel hangs" + unsure,
          {"look at the host's console or its management board, and switch it on",
           "nothing else needs to be done: peerpulse refuses its requests at once, and lets them flow again within "
           "milliseconds of its return"}};
}

Diagnosis silentBehindGateway(const Observations& o) {
  Diagnosis diagnosis = nobodyThere(o, true);
  diagnosis.what += ". It is behind the gateway " + o.route->gateway + ", which may be the one that drops packets";
  return diagnosis;
}

/// Nothing came back from anywhere in the peer's host.
Diagnosis allSilent(const Observations& o) {
  if (o.admin.localHealth == "suspect" || o.admin.localHealth == "link_down") {
    // One that is known not to be cut off from the peer is not.
    if (o.arp.heard != Heard::kAnswered) return thisHostCutOff();
  }
  if (o.route && !o.route->gateway.empty()) {
    return o.neighbour && o.neighbour->state == Neighbour::State::kFailed ? gatewaySilent(o) : silentBehindGateway(o);
  }
  if (o.arp.heard == Heard::kAnswered) {
    const bool other =
        o.neighbour && !o.neighbour->linkAddress.empty() && o.neighbour->linkAddress != o.arp.linkAddress;
    return other ? neighbourStale(o) : hostSilent(o);
  }
  if (o.arp.heard == Heard::kSilent) return nobodyThere(o, true);
  const bool failed = o.neighbour && (o.neighbour->state == Neighbour::State::kFailed ||
                                      o.neighbour->state == Neighbour::State::kIncomplete);
  return nobodyThere(o, failed);
}

Diagnosis portFiltered(const Observations& o) {
  const std::string port = portOf(o.address);
  return {
      Cause::kPortFiltered,
      "the host " + hostOf(o.address) + " lives, but its port " + port +
          (o.connect.kind == Connect::kUnreachable
               ? " is refused by a firewall (" + std::string(std::strerror(o.connect.error)) + ")"
               : " swallows every SYN: a firewall drops them"),
      {"look at the firewall of that host, of this one, and between (`nft list ruleset`, security groups) for port " +
           port,
       "if there is none, its process may be stuck with a full accept queue: `ss -ltn sport = :" + port + "` there"}};
}

Diagnosis processStopped(const Observations& o) {
  const bool full = o.connect.kind != Connect::kAccepted;
  return {
      Cause::kProcessStopped,
      "the host " + hostOf(o.address) + " lives, but the process at port " + portOf(o.address) +
          (full ? " no longer accepts connections: its queue is full" : " answers nothing: it is stopped or stuck"),
      {"on that host: `ps -o pid,stat,wchan:20,cmd -C <store>`; state T is stopped (`kill -CONT`), D waits for a "
       "disk",
       "look at its disks (`dmesg`, `iostat -x 1`), its memory and its log; restart it if it does not come back"}};
}

Diagnosis processGone(const Observations& o) {
  std::string what = "the host " + hostOf(o.address) + " is up, but nothing listens at port " + portOf(o.address) +
                     ": the storage process is not running";
  std::vector<std::string> todo{
      "on that host: `systemctl status <store>` and `journalctl -u <store> -e`; start it again",
      "if it runs: does it listen at " + o.address + "? (`ss -ltnp`), or does a firewall reject?"};
  if (o.admin.reached && !o.admin.processHeard) {
    what += ", or the address or port is wrong: it has never been heard since peerpulse started";
    todo.push_back("compare `address` of " + o.peer + " in the configuration with what the store listens on");
  }
  return {Cause::kProcessGone, std::move(what), std::move(todo)};
}

Diagnosis tlsOnPlainPort(const Observations& o) {
  return {Cause::kTlsOnPlainPort,
          "the port " + o.address + " speaks TLS, but peerpulse speaks plain HTTP to it: no request can succeed",
          {"let the store listen without TLS for its peers, or name a port of it that does",
           "traffic between the nodes is then plain: keep it on a network of its own, or a tunnel"}};
}

Diagnosis notHttp(const Observations& o) {
  const bool closed = o.speech.kind == Speech::kClosed;
  return {Cause::kNotHttp,
          "what listens at " + o.address + (closed ? " ends every connection without a word" : " speaks no HTTP") +
              ": another program, or a store that takes only known clients",
          {"on that host: `ss -ltnp sport = :" + portOf(o.address) + "` says which program it is",
           "compare `address` of " + o.peer + " in the configuration"}};
}

Diagnosis ownDescriptors(const Observations& o) {
  return {Cause::kOwnDescriptors,
          "peerpulse on this host has no file descriptors left: it turns away clients and cannot connect to peers. " +
              o.peer + " itself answers",
          {"who holds them: `ss -tnp` on this host; a client that never closes its connections?",
           "raise the limit (LimitNOFILE= of the unit) and restart peerpulse; `peerpulse doctor` says what it has"}};
}

/// It accepts, and speaks: is anything else in the way?
Diagnosis speaks(const Observations& o) {
  if (o.admin.descriptorsGone || o.admin.localHealth == "exhausted") return ownDescriptors(o);
  if (o.health.asked && o.health.status / 100 != 2) {
    return {Cause::kUnhealthy,
            o.peer + " answers, but its health path does not say that it is well: " +
                (o.health.status == 0 ? o.health.error : "status " + std::to_string(o.health.status)),
            {"look at the store's own log on that host; a store that has just started takes some seconds"}};
  }
  if (o.admin.overridden) {
    return {Cause::kHeldByOperator,
            o.peer + " is well, but an operator holds its circuit " + o.admin.circuit,
            {"`peerpulse override " + o.peer + " auto` lets its verdict decide again"}};
  }
  if (o.admin.reason == "request_failures" && o.admin.circuit != "closed") {
    return {Cause::kRequestsFail,
            o.peer + " answers our questions, but requests to it failed in a row: its circuit is " + o.admin.circuit,
            {"look at the last failures: `peerpulse peers " + o.peer + "`, and the access log (`\"party\":\"peer\"`)",
             "one trial exchange at a time decides when it closes again"}};
  }
  const bool disagree = o.admin.reached && o.admin.verdict != "alive" && !o.admin.verdict.empty();
  std::string what = o.peer + " answers: nothing is wrong with it";
  if (disagree)
    what += ". peerpulse still says " + o.admin.verdict + ": it has come back just now, or comes and goes";
  std::vector<std::string> todo;
  if (disagree) todo.push_back("look again in a few seconds; `peerpulse events --since 10m` shows whether it flaps");
  if (!o.admin.reached) todo.push_back("peerpulse on this host does not answer: is it running?");
  return {Cause::kWell, std::move(what), std::move(todo)};
}

Diagnosis accepted(const Observations& o) {
  if (o.speech.kind == Speech::kTls || o.tls.value_or(false)) return tlsOnPlainPort(o);
  switch (o.speech.kind) {
    case Speech::kHttp2:
    case Speech::kHttp1: return speaks(o);
    case Speech::kSilent: return processStopped(o);
    case Speech::kOther:
    case Speech::kClosed: return notHttp(o);
    case Speech::kTls:
    case Speech::kNotAsked: break;
  }
  return {Cause::kUndecided, o.peer + " accepts connections; more was not asked", {}};
}

Diagnosis ownTrouble(const Observations& o) {
  return {Cause::kOwnTrouble,
          "this command could not ask: " + std::string(std::strerror(o.connect.error)) + " on this host",
          {"`peerpulse doctor` says what this host lacks"}};
}

Diagnosis silent(const Observations& o) {
  if (!hostAnswers(o)) return allSilent(o);
  return o.admin.verdict == "stalled" ? processStopped(o) : portFiltered(o);
}

/// We are in the way ourselves: the host's other answers have to do.
Diagnosis guarded(const Observations& o) {
  if (o.admin.transparentWay == "redirected") {
    return {Cause::kUndecided,
            o.peer + " could not be asked: connections from here to it come to peerpulse (transparent mode)",
            {"run this command as root (CAP_NET_ADMIN): then its own connections pass"}};
  }
  if (!hostAnswers(o)) return allSilent(o);
  return {Cause::kUndecided,
          "the host " + hostOf(o.address) + " answers, but peerpulse refuses connections to it from here",
          {"run this command as root (CAP_NET_ADMIN): then its own connections pass"}};
}

bool ownAddress(const Observations& o) {
  return o.route && o.route->kind == Route::Kind::kLocal && !o.loopback && o.connect.kind != Connect::kAccepted;
}

}  // namespace

const char* toString(Cause cause) {
  switch (cause) {
    case Cause::kWell: return "well";
    case Cause::kPowerOff: return "power_off";
    case Cause::kProcessGone: return "process_gone";
    case Cause::kProcessStopped: return "process_stopped";
    case Cause::kPortFiltered: return "port_filtered";
    case Cause::kWrongAddress: return "wrong_address";
    case Cause::kNoRoute: return "no_route";
    case Cause::kTlsOnPlainPort: return "tls_on_plain_port";
    case Cause::kNeighbourStale: return "neighbour_stale";
    case Cause::kOwnDescriptors: return "own_descriptors";
    case Cause::kOwnLink: return "own_link";
    case Cause::kThisHostCutOff: return "this_host_cut_off";
    case Cause::kGatewaySilent: return "gateway_silent";
    case Cause::kHostSilent: return "host_silent";
    case Cause::kNotHttp: return "not_http";
    case Cause::kUnhealthy: return "unhealthy";
    case Cause::kHeldByOperator: return "held_by_operator";
    case Cause::kRequestsFail: return "requests_fail";
    case Cause::kOwnTrouble: return "own_trouble";
    case Cause::kUndecided: return "undecided";
  }
  return "?";
}

Diagnosis diagnose(const Observations& o) {
  if (o.route && (o.route->kind == Route::Kind::kNone || o.route->kind == Route::Kind::kForbidden)) return noRoute(o);
  if (ownAddress(o)) {
    return {Cause::kWrongAddress,
            "the address " + hostOf(o.address) + " is this host's own, and nothing answers there",
            {"compare `address` of " + o.peer + " in the configuration with `ip address` on that host"}};
  }
  if (o.route && !o.route->carrier) return ownLink(o);
  switch (o.connect.kind) {
    case Connect::kAccepted: return accepted(o);
    case Connect::kRefused: return processGone(o);
    case Connect::kSilent:
    case Connect::kUnreachable: return silent(o);
    case Connect::kGuarded: return guarded(o);
    case Connect::kOwnTrouble: return ownTrouble(o);
    case Connect::kNotAsked: break;
  }
  return {Cause::kUndecided, "nothing could be asked", {}};
}

}  // namespace peerpulse::cli
