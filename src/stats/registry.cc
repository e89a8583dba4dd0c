#include "peerpulse/stats/registry.h"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include "families.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::stats {

namespace {

class Collector : public prometheus::Collectable {
 public:
  Collector(const Stats& stats, const RegistrySources& sources) : stats_(stats), sources_(sources) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    Families all(effectiveDetail(sources_.detail, stats_.peerCount()));
    appendRustfsPeerFamilies(stats_, all);
    appendUploadFamilies(stats_.uploads, all);
    appendHealthFamilies(stats_, sources_, all);
    appendGuardFamilies(stats_, all);
    appendTlsFamilies(stats_, all);
    appendNameFamilies(stats_, all);
    appendTransparentFamilies(stats_, all);
    appendLinkFamilies(stats_, all);
    appendTrafficFamilies(stats_, all);
    appendLatencyFamilies(stats_, all);
    appendGovernorFamilies(stats_, all);
    appendFanoutFamilies(stats_, all);
    appendLimitFamilies(stats_, sources_, all);
    appendProcessFamilies(stats_, sources_, all);
    return all.take();
  }

 private:
  const Stats& stats_;
  const RegistrySources& sources_;
};

}  // namespace

Registry::Registry(const Stats& stats, RegistrySources sources) : stats_(stats), sources_(std::move(sources)) {
  PP_ASSERT(sources_.peerState != nullptr);
}

std::string Registry::text() const {
  const Collector collector(stats_, sources_);
  return prometheus::TextSerializer().Serialize(collector.Collect());
}

}  // namespace peerpulse::stats
