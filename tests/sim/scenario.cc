#include "scenario.h"

#include <cerrno>

namespace peerpulse::sim {

namespace {

health::ProbeOptions optionsOf(Profile profile) {
  switch (profile) {
    case Profile::kLan: return health::ProbeOptions::lan();
    case Profile::kFast: return health::ProbeOptions::fast();
    case Profile::kWan: return health::ProbeOptions::wan();
  }
  return {};
}

LinkOptions drawLink(Random& random, Profile profile, Duration delay, uint32_t lossKind) {
  LinkOptions link;
  link.delay = delay;
  const uint32_t quiet = random.below(3);
  if (quiet != 0) link.jitter = delay / (quiet == 1 ? 10 : 4);
  switch (lossKind) {
    case 0: break;
    case 1: link.lossPerMillion = 100 + random.below(4'900); break;
    case 2: link.lossPerMillion = 5'001 + random.below(5'000); break;
    case 3: link.lossPerMillion = 10'001 + random.below(40'000); break;
    default:
      link.lossPerMillion = random.below(1'000);
      link.burstEvery = random.spread(milliseconds(500), seconds(10));
      link.burstLength = random.spread(milliseconds(1), milliseconds(30));
      link.burstLossPerMillion = 200'000 + random.below(800'000);
      break;
  }
  if (random.percent(20)) {
    link.reorderPerMillion = random.below(20'000);
    link.reorderBy = delay / 2;
  }
  return link;
}

uint32_t drawLossKind(Random& random) {
  const uint32_t draw = random.below(100);
  if (draw < 40) return 0;
  if (draw < 60) return 1;
  if (draw < 75) return 2;
  if (draw < 90) return 3;
  return 4;
}

PeerSetup drawPeer(Random& random, Profile profile) {
  PeerSetup setup;
  setup.probe = optionsOf(profile);
  // Shorter than the default, or few runs would see their end.
  if (random.percent(50)) setup.probe.openFor = random.between(seconds(1), seconds(10));
  const Duration delay = profile == Profile::kWan ? random.spread(microseconds(2500), milliseconds(60))
                                                  : random.spread(microseconds(20), microseconds(300));
  const uint32_t lossKind = drawLossKind(random);
  setup.out = drawLink(random, profile, delay, lossKind);
  setup.back = drawLink(random, profile, delay, lossKind);
  const uint32_t kind = random.below(100);
  setup.peer.speaksHttp2 = kind < 70;
  setup.peer.polices = kind >= 55 && kind < 70;
  if (kind >= 40 && kind < 55) setup.peer.idleClose = random.spread(seconds(2), seconds(75));
  if (kind >= 90) setup.probe.healthPath = "/health";
  setup.peer.hostPortAnswers = random.percent(70);
  constexpr std::array<uint32_t, 3> kBacklogs = {128, 511, 4096};
  setup.peer.backlog = kBacklogs[random.below(3)];
  setup.peer.serviceTime = random.spread(microseconds(100), milliseconds(10));
  if (random.percent(20)) setup.tcp.peerDelayedAck = random.between(milliseconds(40), milliseconds(200));
  setup.tcp.tick = random.percent(50) ? milliseconds(4) : random.percent(50) ? milliseconds(10) : milliseconds(1);
  if (random.percent(70)) {  // the kernel has the socket options that probe/ asks for
    setup.tcp.proberMinRto = milliseconds(8);
    setup.tcp.proberMaxRto = seconds(1);
  }
  const uint32_t load = random.below(10);
  if (load < 5) setup.exchangeEvery = random.spread(milliseconds(50), seconds(2));
  if (load == 5) setup.exchangeEvery = setup.probe.interval / 2;
  setup.peer.answersEchoes = random.percent(70);
  if (random.percent(10)) setup.peer.echoesPerSecond = 2 + random.below(50);
  setup.peer.answersRequests = random.percent(80) || !setup.probe.healthPath.empty();
  setup.peer.closesAfterEach = random.percent(20);
  return setup;
}

}  // namespace

WorldSetup drawWorld(Random& random, uint32_t peers) {
  WorldSetup world;
  const uint32_t profile = random.below(100);
  world.profile = profile < 60 ? Profile::kLan : profile < 75 ? Profile::kFast : Profile::kWan;
  const uint32_t size = random.below(100);
  world.peers = size < 50 ? 1 : size < 70 ? 2 : size < 88 ? 3 + random.below(2) : 5 + random.below(4);
  if (peers != 0) world.peers = peers;
  for (uint32_t i = 0; i < world.peers; ++i)
    world.peer[i] = drawPeer(random, world.profile);
  world.randomFaults = true;
  return world;
}

WorldSetup quietWorld(Profile profile, uint32_t peers) {
  WorldSetup world;
  world.profile = profile;
  world.peers = peers;
  for (uint32_t i = 0; i < peers; ++i) {
    PeerSetup& setup = world.peer[i];
    setup.probe = optionsOf(profile);
    setup.out.delay = setup.back.delay = profile == Profile::kWan ? milliseconds(25) : microseconds(100);
    setup.peer.serviceTime = milliseconds(1);
  }
  return world;
}

WorldSetup busyWorld(Profile profile, Duration every) {
  WorldSetup world = quietWorld(profile, 1);
  world.carry.on = true;
  world.carry.trouble = Trouble::kAny;
  world.carry.options = carryOptions(true);
  world.carry.habits.think = milliseconds(20);
  world.peer[0].exchangeEvery = every;
  if (every > Duration::zero()) world.carry.clients = 0;
  return world;
}

Fault drawPeerFault(Random& random, Profile profile, Duration& calm) {
  Fault fault;
  calm = random.spread(milliseconds(100), seconds(20));
  const uint32_t draw = random.below(100);
  if (draw < 20) {
    fault = {FaultKind::kPowerCut, random.spread(milliseconds(50), seconds(20)), 0, {}};
  } else if (draw < 30) {
    fault = {FaultKind::kKill, random.spread(milliseconds(10), seconds(5)), 0, {}};
  } else if (draw < 50) {
    const bool longStop = random.percent(15);
    fault = {FaultKind::kStop,
             longStop ? random.between(seconds(1), seconds(20)) : random.between(milliseconds(10), milliseconds(400)),
             0,
             {}};
  } else if (draw < 58) {
    fault = {FaultKind::kPartition, random.spread(milliseconds(5), seconds(5)), 0, {}};
  } else if (draw < 63) {
    fault = {FaultKind::kCutOut, random.spread(milliseconds(5), seconds(5)), 0, {}};
  } else if (draw < 68) {
    fault = {FaultKind::kCutBack, random.spread(milliseconds(5), seconds(5)), 0, {}};
  } else if (draw < 73) {
    fault = {FaultKind::kLoss, random.spread(milliseconds(100), seconds(5)), 10'000 + random.below(90'000), {}};
  } else if (draw < 79) {
    const Duration more = profile == Profile::kWan ? random.spread(milliseconds(5), milliseconds(100))
                                                   : random.spread(microseconds(100), milliseconds(5));
    fault = {FaultKind::kReroute, random.spread(milliseconds(500), seconds(10)), 0, more};
  } else if (draw < 85) {
    fault = {FaultKind::kAcceptFull, random.spread(milliseconds(100), seconds(12)), 0, {}};
  } else if (draw < 90) {
    fault = {FaultKind::kClose, milliseconds(1), 0, {}};
  } else if (draw < 93) {
    fault = {FaultKind::kForget, milliseconds(1), 0, {}};
  } else if (draw < 96) {
    fault = {FaultKind::kFilterEchoes, random.spread(milliseconds(50), seconds(60)), 0, {}};
  } else {
    fault = {FaultKind::kGray, random.spread(milliseconds(200), seconds(10)), 0, {}};
  }
  return fault;
}

Fault drawHostFault(Random& random, Profile profile, Duration& calm) {
  calm = random.spread(seconds(1), seconds(30));
  const uint32_t draw = random.below(100);
  if (draw < 35) {
    return {FaultKind::kBlockProcess, random.spread(milliseconds(5), seconds(3)), 0, {}};
  }
  if (draw < 55) return {FaultKind::kBlockProber, random.spread(milliseconds(5), seconds(3)), 0, {}};
  if (draw < 75) {
    const Duration late = profile == Profile::kWan ? milliseconds(40) : milliseconds(8);
    return {FaultKind::kStarve, random.between(seconds(1), seconds(10)), 5 + random.below(45),
            random.between(milliseconds(1), late)};
  }
  if (draw < 90) return {FaultKind::kCutAll, random.spread(milliseconds(10), seconds(3)), 0, {}};
  const int error = random.percent(50) ? EMFILE : ENETUNREACH;
  return {FaultKind::kNoConnects, random.spread(milliseconds(50), seconds(3)), static_cast<uint32_t>(error), {}};
}

const char* toString(FaultKind kind) {
  switch (kind) {
    case FaultKind::kPowerCut: return "power cut";
    case FaultKind::kKill: return "process killed";
    case FaultKind::kStop: return "process stopped";
    case FaultKind::kPartition: return "partition";
    case FaultKind::kCutOut: return "cut towards the peer";
    case FaultKind::kCutBack: return "cut from the peer";
    case FaultKind::kLoss: return "loss";
    case FaultKind::kReroute: return "longer path";
    case FaultKind::kAcceptFull: return "accept queue full";
    case FaultKind::kClose: return "connection closed";
    case FaultKind::kForget: return "connections forgotten";
    case FaultKind::kFilterEchoes: return "echoes dropped";
    case FaultKind::kGray: return "exchanges fail";
    case FaultKind::kBlockProcess: return "own process stopped";
    case FaultKind::kBlockProber: return "own prober stopped";
    case FaultKind::kStarve: return "own prober starved";
    case FaultKind::kNoConnects: return "own connects fail";
    case FaultKind::kCutAll: return "own link cut";
  }
  return "?";
}

}  // namespace peerpulse::sim
