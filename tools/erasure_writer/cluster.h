// Cluster: the 16 disks of a run, others that are used besides, and the peers they are on: one PeerClient per authority, in
// order of appearance.
//
// Threading: the loop's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "erasure_writer/disk_url.h"
#include "erasure_writer/peer_client.h"

namespace peerpulse::erasure_writer {

class Cluster {
 public:
  Cluster(wire::IoContext& io, std::vector<DiskUrl> disks, const std::vector<DiskUrl>& others,
          const PeerClient::Options& options);

  const DiskUrl& disk(int shard) const { return disks_[static_cast<size_t>(shard)]; }
  /// Of a disk, or one of the others.
  size_t peerOf(const DiskUrl& url) const;
  void submitTo(const DiskUrl& url, ClientRequest& request) { peers_[peerOf(url)]->submit(request); }
  size_t peerOf(int shard) const { return peerOfShard_[static_cast<size_t>(shard)]; }
  /// The request's path: that of the shard's disk and `chunk` (as chunkPath() gives it) below it.
  std::string requestPath(int shard, const std::string& chunk) const {
    return disks_[static_cast<size_t>(shard)].path + chunk;
  }
  void submit(int shard, ClientRequest& request) { peers_[peerOf(shard)]->submit(request); }
  std::vector<std::string> peerNames() const;
  std::vector<std::string> diskUrls() const;
  void closeAll();

 private:
  size_t addPeer(wire::IoContext& io, const DiskUrl& url, const PeerClient::Options& options);
  std::vector<DiskUrl> disks_;
  std::vector<size_t> peerOfShard_;
  std::vector<std::unique_ptr<PeerClient>> peers_;
};

}  // namespace peerpulse::erasure_writer
