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
  constexpr const char* kParts[] = {"node1", "node2",     "10.0.0.7", "\t",   " ", "\n",       "\r\n",
                                    "#",     "localhost", "::1",      "\n\n", "x", "\xc3\xa9", "\xff\xfe"};
  for (uint64_t seed = 0; seed < 500; ++seed) {
    CAPTURE(seed);
    test::Random random(seed);
    std::string before;
    const size_t parts = random.below(40);
    for (size_t i = 0; i < parts; ++i)
      before += kParts[random.below(std::size(kParts))];
    const std::string after = withHosts(before, kHosts);
    CHECK(withoutHosts(after) == before);
    CHECK(withoutHosts(after, kHosts) == before);
    CHECK(withHosts(after, kHosts) == after);
    CHECK(withHosts(after, kHosts, kHosts) == after);
    CHECK(strangersIn(after, kHosts) == 0);
    CHECK(withoutHosts(before) == before);
    const bool ended = before.empty() || before.back() == '\n';
    CHECK(withoutHosts(after + "10.0.0.50 backup\n") == before + (ended ? "" : "\n") + "10.0.0.50 backup\n");
  }
}

TEST_CASE("hosts file: a line that somebody has put between ours stays, an entry of ours that he changed does not") {
  const std::string before = "127.0.0.1 localhost\n10.0.0.2 node2 s3";
  std::string edited = withHosts(before, kHosts);
  edited.insert(edited.find("# END"), "# mine\n10.0.0.60 backup\n127.0.0.99 node2\n");
  CHECK(strangersIn(edited, kHosts) == 2);
  CHECK(strangersIn(withHosts(before, kHosts), kHosts) == 0);
  CHECK(withoutHosts(edited, kHosts) == before + "\n# mine\n10.0.0.60 backup\n");
  const std::string again = withHosts(edited, kHosts, kHosts);
  CHECK(again == withHosts(before + "\n# mine\n10.0.0.60 backup\n", kHosts));
  CHECK(strangersIn(again, kHosts) == 0);
  CHECK(withoutHosts(edited) == before);  // of nobody knows what, all goes
}

TEST_CASE("hosts file: a line put between ours that has one of our names and others stays whole") {
  const std::string before = "127.0.0.1 localhost\n";
  std::string edited = withHosts(before, kHosts);
  edited.insert(edited.find("# END"), "10.0.0.70 node2 db\n");
  CHECK(strangersIn(edited, kHosts) == 1);
  CHECK(withoutHosts(edited, kHosts) == before + "10.0.0.70 node2 db\n");
  const std::string again = withHosts(edited, kHosts, kHosts);
  CHECK(again == before + "#peerpulse-off# 10.0.0.70 node2 db\n" + kBlock.substr(0, kBlock.find("# END")) +
                     "10.0.0.70 db\n# END peerpulse recipe\n");
  CHECK(withoutHosts(again, kHosts) == before + "10.0.0.70 node2 db\n");
}

TEST_CASE("hosts file: other names of a line that is off are ours to remove, though one is to be a node's by now") {
  const std::string before = "10.0.0.9 node2 node4 s3\n";
  std::vector<HostEntry> both = kHosts;
  both.push_back({"127.0.0.14", "node4"});
  CHECK(strangersIn(withHosts(before, kHosts), both) == 0);
  CHECK(withoutHosts(withHosts(before, kHosts), both) == before);
}

TEST_CASE("hosts file: a block without its end does not leave names that lead nowhere") {
  const std::string before = "10.0.0.2 node2 s3\n";
  const std::string behind = "10.0.0.50 backup\n";
  std::string broken = withHosts(before, kHosts) + behind;
  broken.erase(broken.find("# END"), std::string("# END peerpulse recipe\n").size());
  CHECK(withoutHosts(broken, kHosts) == before + behind);
}

TEST_CASE("hosts file: an editor that gave all lines other ends has not made two blocks of one") {
  std::string text = withHosts("127.0.0.1 localhost\n", kHosts);
  for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.insert(at, "\r");
  CHECK(withoutHosts(text, kHosts) == "127.0.0.1 localhost\r\n");
  CHECK(withHosts(text, kHosts, kHosts) == "127.0.0.1 localhost\r\n" + kBlock);
}
