// Goal: the shares follow the limit of the process, and a start without room for anybody says so.
#include "descriptor_watch.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <doctest/doctest.h>

#include "peerpulse/base/fd.h"

using namespace peerpulse;
using net::DescriptorShares;
using net::DescriptorUse;
using server::DescriptorWatch;

namespace {

/// The soft limit of this process, put back in the end.
class SoftLimit {
 public:
  SoftLimit() { REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0); }
  ~SoftLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  void set(uint64_t limit) const {
    const rlimit changed{limit, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &changed) == 0);
  }
  uint64_t hard() const { return before_.rlim_max; }

 private:
  rlimit before_{};
};

uint64_t inUse() { return static_cast<uint64_t>(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get()); }

}  // namespace

TEST_CASE("descriptor_watch: the soft limit becomes the hard one") {
  const SoftLimit limit;
  limit.set(200);
  DescriptorWatch::raiseLimit();
  rlimit now{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &now) == 0);
  CHECK(now.rlim_cur == limit.hard());
}

TEST_CASE("descriptor_watch: the shares are those of the limit, and of the one that comes later") {
  const SoftLimit limit;
  limit.set(200);
  DescriptorShares shares;
  DescriptorWatch watch(shares);
  watch.follow();  // before the beginning too
  REQUIRE(watch.begin(1));
  CHECK(shares.ceiling(DescriptorUse::kProbe) == 200);
  const int clients = shares.ceiling(DescriptorUse::kClient);
  CHECK(clients < 200);
  watch.follow();
  CHECK(shares.ceiling(DescriptorUse::kClient) == clients);
  limit.set(100);
  watch.follow();
  CHECK(shares.ceiling(DescriptorUse::kProbe) == 100);
  CHECK(shares.ceiling(DescriptorUse::kClient) < clients);
}

TEST_CASE("descriptor_watch: a start without room for anybody fails, and says what there is and what is needed") {
  const SoftLimit limit;
  limit.set(inUse() + DescriptorWatch::kLeast - 1);
  DescriptorShares shares;
  const auto begun = DescriptorWatch(shares).begin(1);
  REQUIRE_FALSE(begun.has_value());
  CHECK(begun.error().code == EMFILE);
  CHECK(begun.error().message.find("at least 24 more") != std::string::npos);
  limit.set(inUse() + DescriptorWatch::kLeast);
  CHECK(DescriptorWatch(shares).begin(1).has_value());
}
