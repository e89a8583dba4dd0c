#include "client_plan.h"

namespace peerpulse::sim {

namespace {

uint64_t drawSize(Random& random) {
  const uint32_t draw = random.below(100);
  if (draw < 70) return random.below(2'000);
  return draw < 95 ? random.below(64 * 1024) : random.below(256 * 1024);
}

Wish drawWish(Random& random, const ConnectionPlan& connection, const PeerAbilities& peer) {
  const uint32_t draw = random.below(100);
  if (draw < 45) return Wish::kGet;
  if (draw < 65) return Wish::kPut;
  if (draw < 75) return Wish::kChunkedPut;
  if (draw < 80) return Wish::kHead;
  if (connection.http2) return peer.http2 ? Wish::kGrpc : Wish::kGet;
  return draw < 83 && peer.tunnels ? Wish::kTunnel : Wish::kGet;
}

// What a client may do to its own request. One thing at a time.
void spoil(Random& random, RequestPlan& plan) {
  plan.pace = random.spread(milliseconds(2), milliseconds(300));
  const Duration after = random.spread(microseconds(100), seconds(2));
  switch (random.below(8)) {
    case 0: plan.reads = Pace::kSlowly; break;
    case 1: plan.writes = Pace::kSlowly; break;
    case 2:
      plan.reads = Pace::kStops;
      if (plan.wish == Wish::kGet && random.percent(30)) plan.answer = 3 * 1024 * 1024;  // more than may pile up
      plan.cancelAfter = random.spread(milliseconds(100), seconds(6));
      break;
    case 3:
      plan.writes = Pace::kStops;
      plan.cancelAfter = random.spread(milliseconds(100), seconds(6));
      break;
    case 4: plan.vanishAfter = after; break;
    case 5:
      if (plan.wish == Wish::kGrpc) {
        plan.deadline = random.spread(microseconds(500), milliseconds(100));
        break;
      }
      plan.cancelAfter = after;
      break;
    default: plan.cancelAfter = after; break;
  }
}

}  // namespace

ConnectionPlan drawConnection(Random& random, const PeerAbilities& peer, bool hostile, Duration think) {
  ConnectionPlan plan;
  plan.think = think;
  plan.hostile = hostile ? 40 : 0;
  const uint32_t kind = random.below(100);
  if (kind < 15) return plan;  // h1, one request
  if (kind < 60) {
    plan.requests = 2 + random.below(12);
    return plan;
  }
  plan.http2 = true;
  plan.requests = 1 + random.below(24);
  plan.concurrency = 1 + random.below(8);
  return plan;
}

RequestPlan drawRequest(Random& random, const ConnectionPlan& connection, const PeerAbilities& peer) {
  RequestPlan plan;
  if (connection.metronome > Duration::zero()) {
    plan.answer = 100;
    return plan;
  }
  plan.wish = drawWish(random, connection, peer);
  plan.answer = plan.wish == Wish::kPut || plan.wish == Wish::kChunkedPut ? random.below(200) : drawSize(random);
  if (plan.wish == Wish::kPut || plan.wish == Wish::kChunkedPut || plan.wish == Wish::kTunnel) {
    plan.body = drawSize(random);
  } else if (plan.wish == Wish::kGrpc) {
    plan.body = 1 + random.below(2'000);
    plan.answer = 1 + random.below(4'000);
    if (random.percent(50)) plan.deadline = seconds(10);
  }
  // What one does to its connection befalls the others on it.
  plan.honest = connection.hostile == 0;
  if (random.percent(connection.hostile)) spoil(random, plan);
  return plan;
}

}  // namespace peerpulse::sim
