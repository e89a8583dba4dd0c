#include "peerpulse/health/verdict.h"

#include "peerpulse/health/peer_protocol.h"
#include "peerpulse/health/probe_mode.h"

namespace peerpulse::health {

const char* toString(Verdict verdict) {
  switch (verdict) {
    case Verdict::kUnknown: return "unknown";
    case Verdict::kAlive: return "alive";
    case Verdict::kSuspect: return "suspect";
    case Verdict::kDead: return "dead";
    case Verdict::kRefusing: return "refusing";
    case Verdict::kStalled: return "stalled";
  }
  return "?";
}

const char* toString(CircuitState state) {
  switch (state) {
    case CircuitState::kClosed: return "closed";
    case CircuitState::kOpen: return "open";
    case CircuitState::kHalfOpen: return "half_open";
  }
  return "?";
}

const char* toString(Reason reason) {
  switch (reason) {
    case Reason::kNone: return "none";
    case Reason::kStartup: return "startup";
    case Reason::kProbeAck: return "probe_ack";
    case Reason::kProbeSilence: return "probe_silence";
    case Reason::kConnectRefused: return "connect_refused";
    case Reason::kProcessStalled: return "process_stalled";
    case Reason::kFlapping: return "flapping";
    case Reason::kRequestFailures: return "request_failures";
    case Reason::kOperator: return "operator";
    case Reason::kRemoved: return "removed";
  }
  return "?";
}

const char* toString(PeerProtocol protocol) {
  switch (protocol) {
    case PeerProtocol::kUnknown: return "unknown";
    case PeerProtocol::kHttp1: return "http1";
    case PeerProtocol::kHttp2: return "http2";
  }
  return "?";
}

const char* toString(ProbeMode mode) {
  switch (mode) {
    case ProbeMode::kFastPing: return "fast_ping";
    case ProbeMode::kSlowPing: return "slow_ping";
    case ProbeMode::kL4: return "l4";
  }
  return "?";
}

const char* toString(HostMeans means) {
  switch (means) {
    case HostMeans::kPing: return "ping";
    case HostMeans::kEcho: return "icmp";
    case HostMeans::kConnect: return "connect";
  }
  return "?";
}

const char* toString(ProcessMeans means) {
  switch (means) {
    case ProcessMeans::kPing: return "ping";
    case ProcessMeans::kRequest: return "request";
    case ProcessMeans::kConnect: return "connect";
  }
  return "?";
}

}  // namespace peerpulse::health
