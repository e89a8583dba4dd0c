#include "carry_setup.h"

#include <algorithm>

#include "scenario.h"

namespace peerpulse::sim {

using upstream::TrafficClass;

const char* toString(Trouble trouble) {
  switch (trouble) {
    case Trouble::kNone: return "none";
    case Trouble::kClients: return "clients";
    case Trouble::kPeers: return "storage processes";
    case Trouble::kAny: return "any";
  }
  return "?";
}

proxy::ProxyOptions carryOptions(bool generic) {
  proxy::ProxyOptions options;
  options.accessLog.mode = proxy::AccessLogOptions::Mode::kOff;
  options.retry.replayIdempotent = generic;
  options.timeouts = {{{seconds(2), seconds(10), Duration::zero(), 0},
                       {seconds(3), Duration::zero(), seconds(10), generic ? 1024u * 1024u : 0u},
                       {seconds(3), Duration::zero(), Duration::zero(), 0}}};
  const TrafficClass grpc = generic ? TrafficClass::kStream : TrafficClass::kControl;
  options.routes = {{"grpc", "", "", "application/grpc", grpc},
                    {"put", "PUT", "", "", TrafficClass::kBulk},
                    {"head", "HEAD", "", "", TrafficClass::kControl},
                    {"get", "GET", "", "", generic ? TrafficClass::kBulk : TrafficClass::kControl},
                    {"default", "", "", "", TrafficClass::kControl}};
  return options;
}

namespace {

void drawLimits(Random& random, proxy::ProxyOptions& options) {
  if (random.percent(50)) {
    options.timeouts[static_cast<size_t>(TrafficClass::kControl)].request = random.between(seconds(3), seconds(6));
    options.timeouts[static_cast<size_t>(TrafficClass::kBulk)].stall = random.between(seconds(2), seconds(6));
  }
  if (random.percent(40)) {
    options.pool.maxConnections = 1 + random.below(4);
    options.pool.maxStreamsPerConnection = 1 + random.below(8);
    options.pool.maxIdlePerPeer = random.below(3);
  }
  if (random.percent(20)) options.pool.maxPending = 1 + random.below(16);
  if (random.percent(30)) options.pool.idleTimeout = random.spread(milliseconds(500), seconds(10));
  if (random.percent(30)) options.holdFor = random.between(milliseconds(10), milliseconds(300));
  if (random.percent(50)) options.bufferLimit = random.percent(50) ? 16 * 1024 : 64 * 1024;
  if (random.percent(20)) options.downstreamIdleTimeout = random.spread(milliseconds(200), seconds(5));
}

PeerManners drawManners(Random& random, Trouble trouble, bool http2) {
  PeerManners manners;
  manners.http2 = http2;
  manners.service = random.spread(microseconds(100), milliseconds(20));
  if (random.percent(30)) manners.informational = random.below(40);
  if (random.percent(50)) manners.unsized = random.below(60);
  const bool odd = trouble == Trouble::kPeers || (trouble == Trouble::kAny && random.percent(40));
  if (!odd) return manners;
  const auto some = [&](uint32_t percent, uint32_t most) {
    return random.percent(percent) ? 1 + random.below(most) : 0;
  };
  // Over h1 it ends the connection, maybe only when the next request is on it.
  manners.early = some(40, 20);
  manners.refuses = some(40, 20);
  manners.goesAway = some(40, 10);
  manners.breaksOff = some(30, 5);
  manners.cutsShort = some(30, 5);
  manners.fails = some(30, 10);
  manners.neverAnswers = some(30, 3);
  manners.slow = some(30, 5);
  if (random.percent(50)) manners.idleClose = random.spread(milliseconds(5), seconds(5));
  return manners;
}

Trouble drawTrouble(Random& random) {
  const uint32_t draw = random.below(100);
  return draw < 15 ? Trouble::kNone : draw < 40 ? Trouble::kClients : draw < 60 ? Trouble::kPeers : Trouble::kAny;
}

void drawHabits(Random& random, CarrySetup& carry, uint32_t peers) {
  carry.clients = 1 + random.below(peers > 2 ? 2 : 4);
  // About as many exchanges in all, however many clients there are.
  carry.habits.think = random.spread(milliseconds(8), milliseconds(60)) * static_cast<int>(carry.clients * peers);
  const bool hostile = carry.trouble == Trouble::kClients || (carry.trouble == Trouble::kAny && random.percent(50));
  if (hostile) carry.habits.hostile = 10 + random.below(60);
  if (random.percent(50)) carry.directEvery = random.spread(milliseconds(200), seconds(2));
}

// A path on which nothing takes so long that it would be somebody's fault.
void calm(LinkOptions& link) {
  link.lossPerMillion = 0;
  link.burstEvery = Duration::zero();
  link.delay = std::min<Duration>(link.delay, milliseconds(2));
  link.jitter = std::min(link.jitter, link.delay / 4);
}

}  // namespace

void addCarrying(Random& random, WorldSetup& world) {
  CarrySetup& carry = world.carry;
  carry.on = true;
  carry.trouble = drawTrouble(random);
  world.randomFaults = carry.trouble == Trouble::kAny;
  carry.workers = 1 + random.below(2);
  const bool generic = random.percent(50);
  carry.options = carryOptions(generic);
  drawLimits(random, carry.options);
  carry.onDead = random.percent(20) == generic ? proxy::OnDead::kRefuse : proxy::OnDead::kRespond;
  for (uint32_t i = 0; i < world.peers; ++i) {
    PeerSetup& peer = world.peer[i];
    peer.probe.countTimeouts = generic;
    if (!world.randomFaults) {
      calm(peer.out);
      calm(peer.back);
    }
    carry.manners[i] = drawManners(random, carry.trouble, peer.peer.speaksHttp2);
  }
  drawHabits(random, carry, world.peers);
  if (random.percent(30)) carry.sockets = {8 * 1024, 8 * 1024};
  if (random.percent(30)) carry.splitPercent = random.below(50);
  if (random.percent(20)) carry.turnCost = random.spread(microseconds(10), microseconds(400));
}

WorldSetup drawCarryWorld(Random& random) {
  WorldSetup world = drawWorld(random);
  world.peers = std::min(world.peers, 1 + random.below(3));
  addCarrying(random, world);
  return world;
}

}  // namespace peerpulse::sim
