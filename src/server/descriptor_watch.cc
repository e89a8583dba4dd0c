#include "descriptor_watch.h"

#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/resource.h>

#include "peerpulse/base/fd.h"
#include "peerpulse/log/log.h"

namespace peerpulse::server {

namespace {

std::optional<uint64_t> currentLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return limit.rlim_cur;
}

/// The lowest free number: so many are in use.
Result<uint64_t> taken() {
  const Fd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!next.valid()) return systemError("no descriptor is left at the start", errno);
  return static_cast<uint64_t>(next.get());
}

}  // namespace

void DescriptorWatch::raiseLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    log::write(log::Level::kWarn, "descriptor_limit",
               log::Fields().add("error", systemError("setrlimit RLIMIT_NOFILE", errno).message));
  }
}

Result<void> DescriptorWatch::begin(uint32_t peers) {
  peers_ = peers;
  const auto used = taken();
  if (!used) return used.error();
  taken_ = *used;
  const uint64_t limit = currentLimit().value_or(UINT64_MAX);
  if (limit < taken_ + kLeast) {
    return Error{"too few descriptors: RLIMIT_NOFILE is " + std::to_string(limit) + ", " + std::to_string(taken_) +
                     " are in use at the start, and at least " + std::to_string(kLeast) + " more are needed",
                 EMFILE};
  }
  divide(limit);
  return {};
}

void DescriptorWatch::follow() {
  const auto limit = currentLimit();
  if (limit && *limit != limit_) divide(*limit);
}

void DescriptorWatch::divide(uint64_t limit) {
  using net::DescriptorUse;
  limit_ = limit;
  shares_.divide(limit, taken_, peers_);
  const auto ceiling = [this](DescriptorUse use) { return shares_.ceiling(use); };
  log::write(log::Level::kInfo, "descriptors",
             log::Fields()
                 .add("limit", limit)
                 .add("in_use", taken_)
                 .add("clients_up_to", ceiling(DescriptorUse::kClient))
                 .add("upstream_up_to", ceiling(DescriptorUse::kUpstream))
                 .add("admin_up_to", ceiling(DescriptorUse::kAdmin)));
}

}  // namespace peerpulse::server
