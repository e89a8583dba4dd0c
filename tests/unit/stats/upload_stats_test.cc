#include "peerpulse/stats/upload_stats.h"

#include <set>
#include <string>

#include <doctest/doctest.h>

using namespace peerpulse;
using stats::UploadFailure;

TEST_CASE("an upload is in progress until it succeeded or failed") {
  stats::UploadStats uploads;
  uploads.started();
  uploads.started();
  CHECK(uploads.inProgress.get() == 2);
  uploads.succeeded(2 * 1024 * 1024, milliseconds(30));
  uploads.failed(UploadFailure::kPeerTimeout);
  CHECK(uploads.inProgress.get() == 0);
  CHECK(uploads.success.get() == 1);
  CHECK(uploads.failures[static_cast<size_t>(UploadFailure::kPeerTimeout)].get() == 1);
  CHECK(uploads.duration[2].snapshot().count() == 1);
}

TEST_CASE("size buckets: the lower bound belongs to the bucket") {
  using stats::uploadSizeBucket;
  using stats::uploadSizeName;
  CHECK(uploadSizeName(uploadSizeBucket(0)) == std::string("0_64kb"));
  CHECK(uploadSizeName(uploadSizeBucket(64 * 1024 - 1)) == std::string("0_64kb"));
  CHECK(uploadSizeName(uploadSizeBucket(64 * 1024)) == std::string("64kb_1mb"));
  CHECK(uploadSizeName(uploadSizeBucket(1024 * 1024)) == std::string("1mb_10mb"));
  CHECK(uploadSizeName(uploadSizeBucket(uint64_t{1} << 30)) == std::string("1gb_up"));
  CHECK(uploadSizeName(uploadSizeBucket(UINT64_MAX)) == std::string("1gb_up"));
}

TEST_CASE("every reason for a failed upload has a label of its own") {
  std::set<std::string> names;
  for (size_t i = 0; i < stats::kUploadFailures; ++i)
    names.insert(stats::toString(static_cast<UploadFailure>(i)));
  CHECK(names.size() == stats::kUploadFailures);
  CHECK(names.contains("local_limit"));
}
