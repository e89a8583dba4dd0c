// RunContext: what every object of a run works with.
//
// Threading: the loop's thread, but for `code`, which the pool uses too.
#pragma once

#include <optional>
#include <string>

#include "common/io_pool.h"
#include "erasure_writer/api_route.h"
#include "erasure_writer/cluster.h"
#include "erasure_writer/reed_solomon.h"
#include "erasure_writer/statistics.h"
#include "peerpulse/event/dispatcher.h"

namespace peerpulse::erasure_writer {

struct RunSettings {
  size_t blockSize = 512 * 1024;
  size_t parallelObjects = 4;
  /// Stripes of one object in memory at a time.
  size_t stripeWindow = 2;
  Duration timeout = seconds(10);
  std::string prefix;
  bool overwrite = false;
  /// Write: by the fan-out API where it serves the disk.
  std::optional<ApiRoute> api;
};

struct RunContext {
  event::Dispatcher& dispatcher;
  tools::IoPool& pool;
  const ReedSolomon& code;
  Cluster& cluster;
  Statistics& statistics;
  const RunSettings& settings;
};

}  // namespace peerpulse::erasure_writer
