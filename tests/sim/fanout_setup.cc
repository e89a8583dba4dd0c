#include "fanout_setup.h"

#include <string>

#include "scenario.h"

namespace peerpulse::sim {

namespace {

constexpr uint64_t kKiB = 1024;

uint64_t drawBytes(Random& random, uint64_t low, uint32_t octaves) {
  const uint64_t base = low << random.below(octaves);
  return base + random.below(static_cast<uint32_t>(base));
}

void drawBounds(Random& random, fanout::Options& options) {
  options.replayLimit = drawBytes(random, 8 * kKiB, 6);
  options.peerTimeout = random.spread(milliseconds(100), seconds(2));
  options.notifyTimeout = random.spread(milliseconds(200), seconds(5));
  if (random.percent(50)) options.answerLimit = drawBytes(random, kKiB, 5);
  if (random.percent(25)) options.maxOperations = 1 + random.below(12);
  if (random.percent(25)) options.memory = drawBytes(random, 64 * kKiB, 5);
}

void drawCallers(Random& random, FanoutSetup& fanout, Trouble trouble) {
  fanout.callers = 1 + random.below(4);
  fanout.think = random.spread(milliseconds(40), milliseconds(300)) * static_cast<int>(fanout.callers);
  fanout.timed = random.percent(30) ? 100 : random.below(80);
  if (random.percent(30)) fanout.large = 1 + random.below(4);
  if (trouble == Trouble::kClients || random.percent(50)) {
    fanout.leaves = random.below(40);
    fanout.paced = random.below(30);
  }
  fanout.ending = static_cast<FanoutEnding>(random.below(3));
}

}  // namespace

const char* toString(FanoutEnding ending) {
  switch (ending) {
    case FanoutEnding::kQuiet: return "quiet";
    case FanoutEnding::kDrained: return "drained";
    case FanoutEnding::kAborted: return "aborted";
  }
  return "?";
}

fanout::ErasureSet erasureSetOf(uint32_t peers, uint32_t spares) {
  fanout::ErasureSet set;
  set.name = "set0";
  for (uint32_t k = 0; k < peers + spares; ++k) {
    const fanout::Disk disk{"node" + std::to_string(k % peers + 2), "disk" + std::to_string(k)};
    (k < peers ? set.disks : set.spares).push_back(disk);
  }
  return set;
}

// Some processes do nothing wrong among others that do: what befalls these must not fall back on those.
WorldSetup drawFanoutWorld(Random& random) {
  WorldSetup world = drawWorld(random, 2 + random.below(3));
  addCarrying(random, world);
  CarrySetup& carry = world.carry;
  carry.clients = 0;
  carry.directEvery = Duration::zero();
  for (uint32_t i = 0; i < world.peers; ++i) {
    world.peer[i].exchangeEvery = Duration::zero();
    if (!random.percent(40)) continue;
    PeerManners honest;
    honest.http2 = carry.manners[i].http2;
    honest.service = carry.manners[i].service;
    honest.informational = carry.manners[i].informational;
    honest.unsized = carry.manners[i].unsized;
    carry.manners[i] = honest;
  }
  carry.fanout.on = true;
  drawBounds(random, carry.fanout.options);
  carry.fanout.options.erasureSets = {erasureSetOf(world.peers, random.below(4))};
  drawCallers(random, carry.fanout, carry.trouble);
  return world;
}

}  // namespace peerpulse::sim
