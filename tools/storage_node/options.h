// Options of the storage node's command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/time.h"
#include "peerpulse/net/tls_options.h"
#include "storage_node/disk.h"

namespace peerpulse::storage_node {

struct Options {
  SocketAddress listen;
  std::vector<std::pair<std::string, std::string>> disks;  ///< name, directory
  DiskOptions disk;
  int workers = 1;
  int ioThreads = 4;
  uint64_t maxChunkSize = uint64_t{1} << 30;
  Duration drainTimeout = seconds(10);
  net::TlsServerOptions tls;
};

/// Nothing when the program is to end with `exitCode` (help, version or a usage error, which was printed).
std::optional<Options> parseCommandLine(int argc, char** argv, int& exitCode);

}  // namespace peerpulse::storage_node
