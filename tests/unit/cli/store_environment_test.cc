// Goal: a proxy in the way of peers is a problem unless something exempts all of them.
#include "store_environment.h"

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

using Variables = std::map<std::string, std::string>;

size_t problems(const Variables& environment) {
  size_t count = 0;
  for (const Finding& finding : checkStoreEnvironment("812 (rustfs)", environment, {"node2", "node3.example.org"})) {
    if (finding.severity == Severity::kProblem) ++count;
  }
  return count;
}

TEST_CASE("store_environment: proxies") {
  CHECK(problems({}) == 0);
  CHECK(problems({{"HTTP_PROXY", "http://proxy:3128"}}) == 1);
  CHECK(problems({{"https_proxy", "http://proxy:3128"}, {"ALL_PROXY", "socks5://p"}}) == 2);
  CHECK(problems({{"HTTP_PROXY", ""}}) == 0);
  CHECK(problems({{"HTTP_PROXY", "http://proxy:3128"}, {"RUSTFS_INTERNODE_HTTP_PROXY", "off"}}) == 0);
  CHECK(problems({{"HTTP_PROXY", "http://proxy:3128"}, {"NO_PROXY", "node2, .example.org"}}) == 0);
  CHECK(problems({{"HTTP_PROXY", "http://proxy:3128"}, {"no_proxy", "node2"}}) == 1);
}

TEST_CASE("store_environment: the variable with which a MinIO cluster never forms") {
  CHECK(problems({{"MINIO_ADDRESS", "10.0.0.1:9000"}}) == 1);
}

TEST_CASE("store_environment: who NO_PROXY lets by") {
  CHECK(coveredByNoProxy("*", {"a", "b"}));
  CHECK(coveredByNoProxy("A,b", {"a", "B"}));
  CHECK(coveredByNoProxy("example.org", {"n1.example.org"}));
  CHECK_FALSE(coveredByNoProxy("example.org", {"n1.badexample.org"}));
  CHECK_FALSE(coveredByNoProxy("", {"a"}));
  CHECK_FALSE(coveredByNoProxy(",", {"a"}));
}

}  // namespace
}  // namespace peerpulse::cli
