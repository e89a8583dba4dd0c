#include "reach.h"

#include <memory>
#include <utility>

namespace peerpulse::upstream {

namespace {

bool goesByLink(const LinkOptions& link, bool direct) {
  return link.mode == LinkMode::kRequire || (link.mode == LinkMode::kPrefer && !direct);
}

}  // namespace

Reach::Reach(const PeerOptionsRef& configured, bool direct)
    : configured_(configured), options_(configured), own_(configured->address) {
  choose(configured, direct);
}

bool Reach::choose(const PeerOptionsRef& configured, bool direct) {
  if (!(configured->address == configured_->address)) own_ = PeerAddresses(configured->address);
  configured_ = configured;
  const bool linked = goesByLink(configured->link, direct);
  PeerOptionsRef options = linked ? std::make_shared<const PeerOptions>(byLink(*configured)) : configured;
  const bool moved = linked != link_.has_value() || !(options->address == options_->address);
  options_ = std::move(options);
  if (!linked) {
    link_.reset();
  } else if (moved) {
    link_.emplace(options_->address);
  }
  return moved;
}

bool Reach::setAddresses(const AddressSet& addresses) { return own_.set(addresses) && !link_; }

}  // namespace peerpulse::upstream
