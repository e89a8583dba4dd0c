#include "families.h"

namespace peerpulse::stats {

namespace {

constexpr double kMicro = 1e-6;

/// Of the workers that know one.
double meanSeconds(const Value& sum, const Value& count) {
  const uint64_t n = count.get();
  return n == 0 ? 0 : static_cast<double>(sum.get()) / static_cast<double>(n) * kMicro;
}

}  // namespace

void appendGovernorFamilies(const Stats& stats, Families& out) {
  auto shed = Family::counter("peerpulse_governor_shed_total",
                              "Exchanges refused because the peer is slow and enough wait for it already.");
  auto wouldShed = Family::counter("peerpulse_governor_would_shed_total",
                                   "Exchanges that governor.mode \"enforce\" would have refused.");
  auto limiting =
      Family::gauge("peerpulse_governor_limiting", "Workers that have a limit, because the peer is slow.");
  auto limit = Family::gauge("peerpulse_governor_limit", "Exchanges that may wait for an answer, of these workers.");
  auto inFlight =
      Family::gauge("peerpulse_governor_in_flight", "Exchanges admitted and without their answer's head.");
  auto baseline = Family::gauge("peerpulse_governor_baseline_seconds",
                                "Latency of the peer while it is quick, mean of the workers; 0: not known.");
  auto latency = Family::gauge("peerpulse_governor_latency_seconds",
                               "Median latency at the last look, mean of the workers; 0: not known.");
  for (Family* family : {&shed, &wouldShed, &limit, &inFlight})
    out.detail(*family, {"peer"});
  out.detail(limiting, {"class"});
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    for (size_t i = 0; i < kGovernedClasses.size(); ++i) {
      const GovernorStats& governor = peer.governors[i];
      const Labels labels = {{"peer", name}, {"class", kGovernedClasses[i]}};
      shed.add(labels, governor.shed.get());
      wouldShed.add(labels, governor.wouldShed.get());
      limiting.add(labels, governor.limiting.get());
      limit.add(labels, governor.limit.get());
      inFlight.add(labels, governor.inFlight.get());
      if (out.essential()) continue;  // means
      baseline.addFraction(labels, meanSeconds(governor.baselineMicros, governor.knowing));
      latency.addFraction(labels, meanSeconds(governor.latencyMicros, governor.knowing));
    }
  });
  out.add({&shed, &wouldShed, &limiting, &limit, &inFlight, &baseline, &latency});
}

}  // namespace peerpulse::stats
