// Goal: names are put into /etc/hosts and taken away, and nothing else changes by a byte.
#include "peerpulse/recipe/hosts_file.h"

#include <doctest/doctest.h>

#include "seeded_random.h"

using namespace peerpulse;
using namespace peerpulse::recipe;

namespace {

const std::vector<HostEntry> kHosts = {{"10.0.0.1", "node1"}, {"127.0.0.12", "node2"}};
const std::string kBlock =
    "# BEGIN peerpulse recipe (do not edit: peerpulse recipe --undo)\n"
    "10.0.0.1 node1\n"
    "127.0.0.12 node2\n"
    "# END peerpulse recipe\n";

}  // namespace

TEST_CASE("hosts file: ours stand at the end, and go again") {
  const std::string before = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n";
  CHECK(withHosts(before, kHosts) == before + kBlock);
  CHECK(withoutHosts(before + kBlock) == before);
  CHECK(withHosts("", kHosts) == kBlock);
}

TEST_CASE("hosts file: what says something else of a name is switched off, its other names go on") {
  const std::string before =
      "127.0.1.1 node1.example NODE1\n10.0.0.2\tnode2 # node2\n# node2 is down\n10.0.0.9 node22\n";
  const std::string after = withHosts(before, kHosts);
  CHECK(
      after.starts_with("#peerpulse-off# 127.0.1.1 node1.example NODE1\n#peerpulse-off# 10.0.0.2\tnode2 # node2\n"
                        "# node2 is down\n10.0.0.9 node22\n"));
  CHECK(after.find("\n127.0.1.1 node1.example\n") != std::string::npos);
  CHECK(withoutHosts(after) == before);
}

TEST_CASE("hosts file: a second time changes nothing, another cluster takes the first one's place") {
  const std::string before = "127.0.1.1 node1\n10.0.0.3 node3";
  const std::string once = withHosts(before, kHosts);
  CHECK(withHosts(once, kHosts) == once);
  const std::string other = withHosts(once, {{"10.0.0.3", "node3"}});
  CHECK(other.starts_with("127.0.1.1 node1\n#peerpulse-off# 10.0.0.3 node3\n"));
  CHECK(withoutHosts(other) == before);
}

TEST_CASE("hosts file: what others have put behind it, or made of it, stays") {
  const std::string behind = "10.0.0.50 backup\n";
  CHECK(withoutHosts(withHosts("10.0.0.2 db", kHosts) + behind) == "10.0.0.2 db\n" + behind);
  std::string broken = withHosts("10.0.0.2 db\n", kHosts) + behind;
  broken.erase(broken.find("# END"), std::string("# END peerpulse recipe\n").size());
  const std::string undone = withoutHosts(broken);
  CHECK(undone.starts_with("10.0.0.2 db\n"));
  CHECK(undone.ends_with(behind));
}

TEST_CASE("hosts file: any text comes back byte by byte") {
  constexpr const char* kParts[] = {"node1", "node2", "10.0.0.7",  "\t",  " ",    "\n",
                                    "\r\n",  "#",     "localhost", "::1", "\n\n", "x"};
  for (uint64_t seed = 0; seed < 500; ++seed) {
    CAPTURE(seed);
    test::Random random(seed);
    std::string before;
    const size_t parts = random.below(40);
    for (size_t i = 0; i < parts; ++i)
      before += kParts[random.below(std::size(kParts))];
    const std::string after = withHosts(before, kHosts);
    CHECK(withoutHosts(after) == before);
    CHECK(withHosts(after, kHosts) == after);
    CHECK(withoutHosts(before) == before);
    const bool ended = before.empty() || before.back() == '\n';
    CHECK(withoutHosts(after + "10.0.0.50 backup\n") == before + (ended ? "" : "\n") + "10.0.0.50 backup\n");
  }
}
