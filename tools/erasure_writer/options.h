// Options of the erasure writer's command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "erasure_writer/disk_url.h"
#include "erasure_writer/peer_client.h"
#include "erasure_writer/run_context.h"

namespace peerpulse::erasure_writer {

enum class Mode : uint8_t { kWrite, kRead };

struct Options {
  Mode mode = Mode::kWrite;
  std::vector<DiskUrl> disks;  ///< 16 in shard order; read: empty means those of the manifest
  std::string manifest;
  std::vector<std::string> files;
  RunSettings settings;
  PeerClient::Options client;
  int ioThreads = 2;
  Duration deadline{};   ///< zero: none
  std::string progress;  ///< file for progress lines
  bool json = false;     ///< progress lines on stdout
};

/// Nothing when the program is to end with `exitCode` (help, version or a usage error, which was printed).
std::optional<Options> parseCommandLine(int argc, char** argv, int& exitCode);

}  // namespace peerpulse::erasure_writer
