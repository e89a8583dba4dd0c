// What sets a storage process's environment on this host already: environment files and systemd units. Where a variable is set
// twice systemd takes what it reads last, and the other value is silently lost.
//
// Threading: pure, but for the files that are read. Bounds: those of HostFiles. Nothing of a value is told: it may be a secret.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "host_files.h"

namespace peerpulse::cli {

struct StoreSetting {
  std::string variable;
  std::string file;
  size_t line = 0;
};

/// In the order of its lines. A unit's (Environment=), if `file` ends as units and their drop-ins do, else that of an environment file.
std::vector<StoreSetting> settingsIn(const std::string& file, std::string_view text);

/// Of those variables, in /etc/default and in units of /etc/systemd/system: of files that speak of the store.
std::vector<StoreSetting> findStoreSettings(const HostFiles& files, const std::string& store,
                                            const std::vector<std::string>& variables);

}  // namespace peerpulse::cli
