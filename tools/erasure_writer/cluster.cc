#include "cluster.h"

#include <algorithm>

namespace peerpulse::erasure_writer {

Cluster::Cluster(wire::IoContext& io, std::vector<DiskUrl> disks, const std::vector<DiskUrl>& others,
                 const PeerClient::Options& options)
    : disks_(std::move(disks)) {
  for (const DiskUrl& disk : disks_)
    peerOfShard_.push_back(addPeer(io, disk, options));
  for (const DiskUrl& other : others)
    addPeer(io, other, options);
}

size_t Cluster::peerOf(const DiskUrl& url) const {
  const auto peer = std::find_if(peers_.begin(), peers_.end(),
                                 [&](const auto& known) { return known->authority() == url.authority; });
  return static_cast<size_t>(peer - peers_.begin());
}

size_t Cluster::addPeer(wire::IoContext& io, const DiskUrl& url, const PeerClient::Options& options) {
  const size_t known = peerOf(url);
  if (known == peers_.size()) peers_.push_back(std::make_unique<PeerClient>(io, url.address, url.authority, options));
  return known;
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
