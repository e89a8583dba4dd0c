#include "cluster.h"

#include <algorithm>

namespace peerpulse::erasure_writer {

Cluster::Cluster(wire::IoContext& io, std::vector<DiskUrl> disks, const PeerClient::Options& options)
    : disks_(std::move(disks)) {
  for (const DiskUrl& disk : disks_) {
    auto peer = std::find_if(peers_.begin(), peers_.end(),
                             [&](const auto& known) { return known->authority() == disk.authority; });
    if (peer == peers_.end()) {
      peers_.push_back(std::make_unique<PeerClient>(io, disk.address, disk.authority, options));
      peer = peers_.end() - 1;
    }
    peerOfShard_.push_back(static_cast<size_t>(peer - peers_.begin()));
  }
}

std::vector<std::string> Cluster::peerNames() const {
  std::vector<std::string> names;
  for (const auto& peer : peers_)
    names.push_back(peer->authority());
  return names;
}

std::vector<std::string> Cluster::diskUrls() const {
  std::vector<std::string> urls;
  for (const DiskUrl& disk : disks_)
    urls.push_back(disk.toString());
  return urls;
}

void Cluster::closeAll() {
  for (auto& peer : peers_)
    peer->closeAll();
}

}  // namespace peerpulse::erasure_writer
