// Manifest: what was written where: the only way back to the objects.
//
//   {"version":1,"data_shards":12,"parity_shards":4,"block_size":524288,"prefix":"run1","disks":[16 URLs],
//    "objects":[{"name":..,"source":..,"size":..,"sha256":..,"stripes":..,"shards":[0,1,..],
//      "moved":[{"stripe":..,"shard":..,"disk":URL}]}]}
//
// `shards` are those stored for every stripe of the object; `moved`, those of their chunks that are on another disk.
//
// Threading: a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "erasure_writer/reed_solomon.h"
#include "peerpulse/base/result.h"

namespace peerpulse::erasure_writer {

/// A chunk that is not on its shard's disk.
struct MovedChunk {
  uint64_t stripe = 0;
  int shard = 0;
  std::string disk;  ///< URL
};

struct ManifestObject {
  std::string name;    ///< hex; part of the chunks' paths
  std::string source;  ///< the file it was made from, for people
  uint64_t size = 0;
  std::string sha256;  ///< hex, of the whole object
  uint64_t stripes = 0;
  ShardSet shards;
  std::vector<MovedChunk> moved;
};

struct Manifest {
  static Result<Manifest> parse(std::string_view json);
  static Result<Manifest> load(const std::string& path);
  std::string toJson() const;
  /// Whole or not at all: temporary file, fsync, rename.
  Result<void> save(const std::string& path) const;

  size_t blockSize = 0;
  std::string prefix;
  std::vector<std::string> disks;
  std::vector<ManifestObject> objects;
};

/// Path of one stripe's chunk below its disk: "/<prefix>/<2 hex>/<name>.<stripe>.<shard>".
std::string chunkPath(std::string_view prefix, std::string_view name, uint64_t stripe, int shard);

/// The whole file; for small ones (manifests, lists): more than 256 MiB is an error.
Result<std::string> readSmallFile(const std::string& path);

}  // namespace peerpulse::erasure_writer
