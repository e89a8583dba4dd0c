// What the peer did: its connection's events, fresh connects, and the outcomes of exchanges. What time does, and what
// follows from all of it, is in peer_health.cc.
#include "peerpulse/base/tls_failure.h"
#include "peerpulse/health/connect_evidence.h"
#include "peerpulse/health/peer_health.h"

namespace peerpulse::health {

void PeerHealth::handle(const Reached& event, TimePoint now, Actions& actions) {
  if (plan_.current(event.epoch) && plan_.connecting()) connectionBegan(plan_.reached(now), now);
}

void PeerHealth::handle(const Connected& event, TimePoint now, Actions& actions) {
  if (!plan_.current(event.epoch) || plan_.connected()) return;
  if (const auto elapsed = plan_.connected(now)) {
    connectionBegan(*elapsed, now);
  } else {  // its process has done its part of the handshake
    processSpoke(now);
    detector_.heard(now);
  }
}

/// The SYN was answered.
void PeerHealth::connectionBegan(Duration elapsed, TimePoint now) {
  loss_.connectionBegan();
  kernel_ = {};
  rtt_.add(elapsed, now);
  measure();
  detector_.connectAnswered();
  detector_.kernelAnswered(now, limits_);
}

void PeerHealth::handle(const Received& event, TimePoint now, Actions& actions) {
  if (!plan_.current(event.epoch)) return;
  plan_.heardHere(now);
  detector_.heard(now);
  processSpoke(now);
}

void PeerHealth::handle(const PingAcked& event, TimePoint now, Actions& actions) {
  if (!plan_.current(event.epoch)) return;
  const ProbePlan::Ack ack = plan_.acked(event.sequence, now, actions);
  if (!ack.valid) return;
  processSpoke(now);
  score_.answered(answeredLate(ack));
  if (ack.rtt.has_value()) {
    rtt_.add(*ack.rtt, now);
    score_.roundTrip(*ack.rtt);
  }
  detector_.answered(now);
  rhythm_.pingAnswered();
  measure();
  lastError_ = 0;
}

void PeerHealth::handle(const GoneAway& event, TimePoint now, Actions& actions) {
  if (!plan_.current(event.epoch)) return;
  processSpoke(now);
  detector_.heard(now);
  plan_.goneAway(event.enhanceYourCalm, now, actions);
}

void PeerHealth::handle(const Closed& event, TimePoint now, Actions& actions) {
  if (!plan_.current(event.epoch)) return;
  const bool wasOpen = plan_.connected();
  const ConnectEvidence evidence = classifyConnect(event.error);
  const bool refused = !wasOpen && evidence == ConnectEvidence::kRefused;
  if (wasOpen && plan_.outstanding() > 0) score_.lost();
  plan_.closed(event.notHttp2, refused, now);
  measure();
  if (event.error != 0) lastError_ = event.error;
  if (isTlsFailure(event.error) && !is(event.error, TlsFailure::kTruncated)) {  // what its process has said
    processSpoke(now);
    detector_.heard(now);
  }
  if (!wasOpen && evidence == ConnectEvidence::kLocal) {
    detector_.couldNotAsk(now);
  } else if (refused) {
    detector_.refused(now);
  } else if (evidence == ConnectEvidence::kAlive) {  // FIN or RST: from its kernel
    detector_.kernelHeard(now, limits_);
  }
}

void PeerHealth::handle(const HealthAnswered& event, TimePoint now, Actions& actions) {
  if (!plan_.current(event.epoch) || event.status == 0) return;
  processSpoke(now);
  detector_.heard(now);
  if (event.status >= 200 && event.status < 500) {
    detector_.answered(now);
    lastError_ = 0;
  }
  plan_.requestAnswered(now, actions);
}

void PeerHealth::handle(const EchoAnswered& event, TimePoint now, Actions& actions) {
  const auto roundTrip = plan_.echoAnswered(event.sequence, now);
  if (!roundTrip.has_value()) return;
  if (plan_.goesByEchoes()) loss_.connectAnswered();
  hostAnswered(*roundTrip, now);
  score_.answered(false);
  detector_.kernelAnswered(now, limits_);
  plan_.answeredElsewhere(kernel_, now, actions);
}

void PeerHealth::handle(const EchoUnsent& event, TimePoint now, Actions& actions) {
  if (classifyConnect(event.error) != ConnectEvidence::kLocal) return;  // no route: silence
  plan_.echoUnsent();
  if (!plan_.goesByEchoes()) return;
  loss_.connectNotSent();
  detector_.couldNotAskHost(now);
}

void PeerHealth::handle(const ConnectResult& event, TimePoint now, Actions& actions) {
  if (event.purpose == ConnectPurpose::kHostCheck) {
    hostChecked(event, now, actions);
    return;
  }
  if (event.error != 0) lastError_ = event.error;
  switch (classifyConnect(event.error)) {
    case ConnectEvidence::kAlive:
      if (event.purpose == ConnectPurpose::kProbe) {
        loss_.connectAnswered();
        plan_.connectAnswered();
      }
      if (event.purpose == ConnectPurpose::kPatient) patientlyAnswered(event.elapsed, now);
      synAcked(event.elapsed, now, actions);
      break;
    case ConnectEvidence::kRefused: detector_.refused(now); break;
    case ConnectEvidence::kSilence: break;
    case ConnectEvidence::kLocal: couldNotConnect(event.purpose, now); break;
  }
}

// A PING on an open connection was asked all the same, and its silence counts.
void PeerHealth::couldNotConnect(ConnectPurpose purpose, TimePoint now) {
  if (purpose == ConnectPurpose::kProbe) {
    loss_.connectNotSent();
    detector_.connectAnswered();
    if (!plan_.goesByEchoes()) detector_.couldNotAskHost(now);
  }
  if (purpose != ConnectPurpose::kConfirm || confirmConnects_ == 0) return;
  detector_.confirmTried(--confirmConnects_ > 0);
  if (confirmConnects_ == 0 && !plan_.cadence().pingsEach) detector_.giveUpConfirm(now);
}

// Only a patient connect can be answered over a path that has grown much longer than the usual attempts wait for. The
// second such answer is the new measure, or they would go on giving up too early for many seconds. Not the first: a
// SYN may have waited for the neighbour's address until the host was back, and then the usual attempts succeed too.
void PeerHealth::patientlyAnswered(Duration elapsed, TimePoint now) {
  if (elapsed <= 2 * path_.smoothed || ++longPatients_ < 2) return;
  rtt_.restart(elapsed, now);
  kernel_ = {};
  measure();
}

void PeerHealth::hostChecked(const ConnectResult& event, TimePoint now, Actions& actions) {
  const ConnectEvidence evidence = classifyConnect(event.error);
  if (evidence != ConnectEvidence::kAlive && evidence != ConnectEvidence::kRefused) return;
  plan_.otherPortAnswered();
  if (detector_.recovering()) return;  // an outage ends on the peer's own port
  detector_.kernelHeard(now, limits_);
  plan_.answeredElsewhere(kernel_, now, actions);
}

/// Its kernel answered something that has no connection.
void PeerHealth::hostAnswered(Duration roundTrip, TimePoint now) {
  rtt_.add(roundTrip, now);
  freshRtt_ = roundTrip;
  freshAt_ = now;
  measure();
  score_.roundTrip(roundTrip);
}

// A SYN-ACK is its kernel's answer. It clears what is owed to connects alone; what the process owes stays.
void PeerHealth::synAcked(Duration elapsed, TimePoint now, Actions& actions) {
  // At a second and more the SYN was sent twice, and nobody knows which one was answered (Karn).
  if (elapsed < seconds(1)) hostAnswered(elapsed, now);
  score_.answered(elapsed >= seconds(1));
  if (plan_.endsOutageByConnect()) {
    detector_.answered(now);
  } else {
    detector_.connectAnswered();
    // Of a peer that gets PINGs alone the next sign is a delayed ACK.
    if (plan_.cadence().pingsEach) {
      detector_.kernelHeard(now, limits_);
    } else {
      detector_.kernelAnswered(now, limits_);
    }
    plan_.answeredElsewhere(kernel_, now, actions);
  }
  if (plan_.mode() == ProbeMode::kL4) lastError_ = 0;
}

void PeerHealth::handle(const OutcomeRecord& record, TimePoint now, Actions& actions) {
  circuit_.onOutcome(record, now);
  const bool serverError = record.outcome == Outcome::kServerError;
  score_.outcome(serverError ? options_.countServerErrors : record.outcome != Outcome::kSuccess);
}

void PeerHealth::handle(const CircuitOverride& change, TimePoint now, Actions& actions) {
  circuit_.onOverride(change, now);
}

bool PeerHealth::answeredLate(const ProbePlan::Ack& ack) const {
  if (!ack.rtt.has_value()) return true;  // so old that it is not known any more
  const Duration interval = std::min<Duration>(plan_.probeInterval(), milliseconds(200));
  return rtt_.measured() && *ack.rtt > 3 * interval / 4 + 5 * rtt_.smoothed() / 4 + 4 * rtt_.variation();
}

}  // namespace peerpulse::health
