// The kernel settings of conf/99-peerpulse-sysctl.conf: which of them this host has, and what lacks without.
//
// Threading: pure, but for the files that are read.
#pragma once

#include "finding.h"
#include "host_files.h"

namespace peerpulse::cli {

Findings checkSysctls(const HostFiles& files);

}  // namespace peerpulse::cli
