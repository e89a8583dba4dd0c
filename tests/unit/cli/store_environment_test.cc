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

TEST_CASE("store_environment: of a proxy only where it is") {
  for (const char* proxy : {"http://me:s3cret@proxy:3128", "http://me:s3/cr@et@proxy:3128/", "me:s3cret@proxy:3128",
                            "http://proxy:3128/?token=s3cret", "http://me:s3%40cret#@proxy:3128"}) {
    CAPTURE(proxy);
    const Findings findings = checkStoreEnvironment("812 (rustfs)", {{"HTTP_PROXY", proxy}}, {"node2"});
    REQUIRE(findings.size() == 1);
    const std::string said = findings[0].what + findings[0].todo + findings[0].where;
    CHECK(said.find("proxy:3128") != std::string::npos);
    CHECK(said.find("s3") == std::string::npos);
    CHECK(said.find("cr") == std::string::npos);
    CHECK(said.find("et@") == std::string::npos);
  }
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

TEST_CASE("store_environment: peers that nobody knows are let by by a star alone") {
  CHECK_FALSE(coveredByNoProxy("", {}));
  CHECK_FALSE(coveredByNoProxy("node2", {}));
  CHECK(coveredByNoProxy("node2, *", {}));
}

}  // namespace
}  // namespace peerpulse::cli
