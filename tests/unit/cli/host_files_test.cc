// Goal: what is not there, or may not be read, is nothing; what is too large is bounded.
#include "host_files.h"

#include <doctest/doctest.h>

#include "fake_host.h"

namespace peerpulse::cli {
namespace {

TEST_CASE("host_files: below another root") {
  const FakeHost host;
  host.write("/etc/b", "text\0more");
  host.write("/etc/a", "");
  host.link("/etc/c", "/nowhere");
  const HostFiles files = host.files();
  CHECK(files.list("/etc") == std::vector<std::string>{"a", "b", "c"});
  CHECK(files.read("/etc/b") == "text");
  CHECK(files.exists("/etc/c"));  // a link that leads nowhere, as enabled units may be
  CHECK_FALSE(files.exists("/etc/d"));
  CHECK_FALSE(files.read("/etc/d").has_value());
  CHECK(files.list("/nowhere").empty());
  host.write("/large", std::string(HostFiles::kMaxFile + 5000, 'x'));
  CHECK(files.read("/large")->size() <= HostFiles::kMaxFile + 4096);
}

}  // namespace
}  // namespace peerpulse::cli
