// What an upload's failure is called in the metrics: the `reason` of rustfs_upload_failures_total.
//
// Threading: pure.
#pragma once

#include "peerpulse/stats/upload_stats.h"
#include "peerpulse/upstream/failure.h"

namespace peerpulse::upstream {

/// `failure` without a type: the peer has answered, and not 2xx.
stats::UploadFailure uploadFailureOf(const Failure& failure);

}  // namespace peerpulse::upstream
