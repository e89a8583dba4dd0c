// Goal: what is put on a host goes again byte by byte, a second time changes nothing, and what is somebody else's stays.
#include "peerpulse/recipe/installation.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "manifest.h"
#include "no_room.h"
#include "peerpulse/base/fd.h"

using namespace peerpulse::recipe;
namespace fs = std::filesystem;

namespace {

/// A root of its own, with an /etc/hosts.
struct Host {
  Host() {
    std::string name = (fs::temp_directory_path() / "peerpulse-recipe-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root = name;
    write("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 node1\n10.0.0.2 node2 s3");
    REQUIRE(::chmod((root + "/etc/hosts").c_str(), 0640) == 0);
  }
  ~Host() { fs::remove_all(root); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void write(const std::string& path, const std::string& content) const {
    fs::create_directories(fs::path(root + path).parent_path());
    std::ofstream(root + path) << content;
  }
  std::string read(const std::string& path) const {
    std::ostringstream text;
    text << std::ifstream(root + path).rdbuf();
    return text.str();
  }
  /// Everything: paths, modes, contents, targets.
  std::map<std::string, std::string> all() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      const std::string path = entry.path().string().substr(root.size());
      const auto mode = std::to_string(static_cast<unsigned>(entry.symlink_status().permissions()));
      found[path] = mode + (entry.is_symlink()        ? fs::read_symlink(entry).string()
                            : entry.is_regular_file() ? read(path)
                                                      : "");
    }
    return found;
  }
  Installation installation(AddressRoute* route = nullptr) const { return Installation(root, route); }
  std::string root;
};

Plan plan(Store store, size_t nodes = 3) {
  Wish wish;
  wish.store = store;
  for (size_t i = 1; i <= nodes; ++i)
    wish.nodes.push_back({"node" + std::to_string(i), "10.0.0." + std::to_string(i)});
  wish.self = "node1";
  return *planFor(wish);
}

/// Notes what is on the host when it is told to do something.
class FakeRoute : public AddressRoute {
 public:
  explicit FakeRoute(const Host& host) : host_(host) {}

  peerpulse::Result<bool> there() override { return routed; }
  peerpulse::Result<std::string> add() override {
    note("add");
    routed = true;
    return std::string("routed");
  }
  peerpulse::Result<void> remove() override {
    note("remove");
    routed = false;
    return {};
  }
  peerpulse::Result<void> reloadUnits() override {
    note("reload");
    return {};
  }
  size_t connections() override { return open; }

  bool routed = false;
  size_t open = 0;
  std::vector<std::string> notes;

 private:
  void note(std::string what) {
    if (fs::exists(host_.root + "/etc/systemd/system/peerpulse-addresses.service")) what += ", unit";
    if (host_.read("/etc/hosts").find("198.18.0.12 node2") != std::string::npos) what += ", names";
    notes.push_back(what);
  }
  const Host& host_;
};

/// All of it at once.
std::vector<std::string> apply(const Host& host, const Plan& plan) {
  auto outcome = host.installation().apply(plan, "");
  if (!outcome) FAIL(outcome.error().message);
  CHECK(outcome->waitsFor.empty());
  return outcome->changes;
}

std::string refusal(const Host& host, const Plan& plan) {
  const auto before = host.all();
  auto outcome = host.installation().apply(plan, "");
  REQUIRE_FALSE(outcome.has_value());
  CHECK(host.all() == before);
  return outcome.error().message;
}

std::vector<std::string> undo(const Host& host) {
  auto outcome = host.installation().undo();
  if (!outcome) FAIL(outcome.error().message);
  CHECK(outcome->waitsFor.empty());
  return outcome->changes;
}

size_t count(const std::vector<std::string>& changes, const std::string& word) {
  return static_cast<size_t>(std::count_if(changes.begin(), changes.end(), [&](const std::string& change) {
    return change.find(word) != std::string::npos;
  }));
}

}  // namespace

TEST_CASE("installation: applied, applied again, undone: as before byte for byte") {
  for (const Store store : {Store::kRustfs, Store::kMinio, Store::kSwift}) {
    CAPTURE(toString(store));
    const Host host;
    const auto before = host.all();
    CHECK(apply(host, plan(store)).size() >= 4);
    for (const OwnFile& file : plan(store).files)
      CHECK(host.read(file.path) == file.content);
    for (const OwnLink& link : plan(store).links)
      CHECK(fs::read_symlink(host.root + link.path) == link.target);
    CHECK(host.read("/etc/hosts").find("\n10.0.0.2 s3\n") != std::string::npos);
    const auto applied = host.all();
    CHECK(apply(host, plan(store)).empty());
    CHECK(host.all() == applied);
    CHECK_FALSE(undo(host).empty());
    CHECK(host.all() == before);
    CHECK(undo(host).empty());
  }
}

TEST_CASE("installation: another user can read it, whatever the umask of whoever applies it") {
  const Host host;
  const mode_t before = ::umask(077);
  apply(host, plan(Store::kMinio));
  ::umask(before);
  for (const OwnFile& file : plan(Store::kMinio).files) {
    CAPTURE(file.path);
    for (fs::path path = file.path; path != "/etc"; path = path.parent_path()) {
      const auto mode = fs::status(host.root + path.string()).permissions();
      CHECK((mode & fs::perms::others_read) != fs::perms::none);
      if (path != file.path) CHECK((mode & fs::perms::others_exec) != fs::perms::none);
    }
  }
}

TEST_CASE("installation: names turn when the listeners are there, and only then") {
  const Host host;
  const auto before = host.all();
  for (const bool first : {true, false}) {
    auto outcome = host.installation().apply(plan(Store::kRustfs), "nobody listens");
    REQUIRE(outcome.has_value());
    CHECK(outcome->waitsFor == "nobody listens");
    CHECK(outcome->changes.empty() != first);
    CHECK(host.read("/etc/hosts") == "127.0.0.1 localhost\n127.0.1.1 node1\n10.0.0.2 node2 s3");
    CHECK_FALSE(host.read("/etc/peerpulse/peerpulse.json").empty());
  }
  CHECK(apply(host, plan(Store::kRustfs)) == std::vector<std::string>{"changed /etc/hosts"});
  // Names that are there stay, whoever listens.
  auto outcome = host.installation().apply(plan(Store::kRustfs), "nobody listens");
  REQUIRE(outcome.has_value());
  CHECK(outcome->waitsFor.empty());
  CHECK(outcome->changes.empty());

  SUBCASE("undone") {}
  SUBCASE("of another list all names wait, and lead where they led") {
    const std::string hosts = host.read("/etc/hosts");
    Wish replaced{Store::kRustfs, {{"node1", "10.0.0.1"}, {"node5", "10.0.0.5"}}, "node1", {}, {}};
    replaced.known = *host.installation().listens();
    REQUIRE(host.installation().apply(*planFor(replaced), "nobody listens for node5").has_value());
    // And another one while names wait: what is for node2 and node3 still comes to .12 and .13.
    replaced.nodes[1] = {"node6", "10.0.0.6"};
    replaced.known = *host.installation().listens();
    CHECK(planFor(replaced)->hosts[1].address == "127.0.0.15");
    outcome = host.installation().apply(plan(Store::kRustfs, 4), "nobody listens for node4");
    REQUIRE(outcome.has_value());
    CHECK(outcome->waitsFor == "nobody listens for node4");
    CHECK(host.read("/etc/hosts") == hosts);
    SUBCASE("undone meanwhile") {}
    SUBCASE("and turn then") {
      apply(host, plan(Store::kRustfs, 4));
      CHECK(host.read("/etc/hosts").find("127.0.0.14 node4\n") != std::string::npos);
    }
  }
  undo(host);
  CHECK(host.all() == before);
}

TEST_CASE("installation: the route comes after its unit and before the names, and goes the other way round") {
  const Host host;
  const auto before = host.all();
  FakeRoute route(host);
  REQUIRE(host.installation(&route).apply(plan(Store::kMinio), "").has_value());
  CHECK(route.notes == std::vector<std::string>{"reload, unit", "add, unit"});
  REQUIRE(host.installation(&route).apply(plan(Store::kMinio), "").has_value());
  CHECK(route.notes.size() == 2);

  SUBCASE("nobody has a connection") {
    REQUIRE(host.installation(&route).undo().has_value());
    CHECK(std::vector<std::string>(route.notes.begin() + 2, route.notes.end()) ==
          std::vector<std::string>{"remove, unit", "reload"});
    CHECK_FALSE(route.routed);
    CHECK(host.all() == before);
  }
  SUBCASE("connections would hang without it: names go, the rest waits for their end") {
    route.open = 3;
    auto outcome = host.installation(&route).undo();
    REQUIRE(outcome.has_value());
    CHECK(outcome->waitsFor.starts_with("3 open connections to 198.18.0.0/24"));
    CHECK(host.read("/etc/hosts") == "127.0.0.1 localhost\n127.0.1.1 node1\n10.0.0.2 node2 s3");
    CHECK(route.routed);
    route.open = 0;
    outcome = host.installation(&route).undo();
    REQUIRE(outcome.has_value());
    CHECK(outcome->waitsFor.empty());
    CHECK_FALSE(route.routed);
    CHECK(host.all() == before);
  }
}

TEST_CASE("installation: a route that somebody else has made stays") {
  const Host host;
  FakeRoute route(host);
  route.routed = true;
  REQUIRE(host.installation(&route).apply(plan(Store::kMinio), "").has_value());
  REQUIRE(host.installation(&route).undo().has_value());
  CHECK(route.routed);
}

TEST_CASE("installation: another list of nodes takes the first one's place") {
  const Host host;
  const auto before = host.all();
  apply(host, plan(Store::kRustfs));
  apply(host, plan(Store::kRustfs, 5));
  const Host fresh;
  apply(fresh, plan(Store::kRustfs, 5));
  CHECK(host.all() == fresh.all());
  undo(host);
  CHECK(host.all() == before);
}

TEST_CASE("installation: another store's recipe is undone first") {
  const Host host;
  apply(host, plan(Store::kMinio));
  CHECK(refusal(host, plan(Store::kRustfs)) ==
        "the recipe for minio is applied here: `peerpulse recipe --undo` first");
}

TEST_CASE("installation: replaced half-way it can be done again, and undone") {
  for (const bool again : {true, false}) {
    const Host host;
    const auto before = host.all();
    apply(host, plan(Store::kRustfs));
    // As if the power had gone after the note, and after one of the files.
    const Plan next = plan(Store::kRustfs, 5);
    const Manifest old = *Manifest::parse(host.read(kManifestPath));
    host.write(kManifestPath, Manifest{"rustfs", next.hosts, next.files, next.links, old.folders}.with(old).text());
    host.write(next.files[0].path, next.files[0].content);
    if (again) apply(host, next);
    undo(host);
    CHECK(host.all() == before);
  }
}

TEST_CASE("installation: of a file with two contents it is said once that it stays") {
  const Host host;
  apply(host, plan(Store::kRustfs));
  const Plan next = plan(Store::kRustfs, 5);
  const Manifest old = *Manifest::parse(host.read(kManifestPath));
  host.write(kManifestPath, Manifest{"rustfs", next.hosts, next.files, next.links, old.folders}.with(old).text());
  host.write(next.files[0].path, "mine");
  CHECK(count(undo(host), "left /etc/peerpulse/peerpulse.json") == 1);
}

TEST_CASE("installation: what is somebody else's is not touched") {
  const Host host;
  SUBCASE("a file") {
    host.write("/etc/peerpulse/peerpulse.json", "{ \"mine\": true }");
    CHECK(refusal(host, plan(Store::kRustfs)).find("/etc/peerpulse/peerpulse.json is there, and not by a recipe") !=
          std::string::npos);
  }
  SUBCASE("a link, though it leads to the same content") {
    host.write("/srv/peerpulse.json", plan(Store::kRustfs).files[0].content);
    fs::create_directories(host.root + "/etc/peerpulse");
    fs::create_symlink("../../srv/peerpulse.json", host.root + "/etc/peerpulse/peerpulse.json");
    CHECK(refusal(host, plan(Store::kRustfs)).find("is a link") != std::string::npos);
  }
}

TEST_CASE("installation: a configuration of the operator's own serves, and is left as it is") {
  const Host host;
  const std::string path = "/etc/peerpulse/peerpulse.json";
  const std::string made = plan(Store::kRustfs).files[0].content;
  std::string own = made;
  own.insert(own.find("\"preset\""), "\"log\": {\"level\": \"debug\"},\n  ");
  bool first = true;
  SUBCASE("written by him") {}
  SUBCASE("made by a recipe, then edited") {
    first = false;
    apply(host, plan(Store::kRustfs));
  }
  host.write(path, own);
  const auto said = apply(host, plan(Store::kRustfs));
  CHECK(count(said, "left " + path + " as it is") == (first ? 1 : 0));
  CHECK(host.read(path) == own);
  CHECK(host.read("/etc/hosts").find("127.0.0.12 node2\n") != std::string::npos);
  CHECK(apply(host, plan(Store::kRustfs)).empty());
  CHECK(host.installation().listens()->at("node2") == "127.0.0.12");
  CHECK(refusal(host, plan(Store::kRustfs, 4)).find("its node, preset and peers as") != std::string::npos);
  CHECK(count(undo(host), "left " + path) == 1);
  CHECK(host.read(path) == own);
  CHECK_FALSE(fs::exists(host.root + "/etc/peerpulse/recipe.json"));
}

TEST_CASE("installation: what was changed since is neither overwritten nor removed") {
  const Host host;
  apply(host, plan(Store::kRustfs));
  host.write("/etc/peerpulse/peerpulse.json", "{ \"mine\": true }");
  refusal(host, plan(Store::kRustfs));
  CHECK(count(undo(host), "left") == 1);
  CHECK(host.read("/etc/peerpulse/peerpulse.json") == "{ \"mine\": true }");
  CHECK(host.read("/etc/hosts") == "127.0.0.1 localhost\n127.0.1.1 node1\n10.0.0.2 node2 s3");
  CHECK_FALSE(fs::exists(host.root + "/etc/peerpulse/recipe.json"));
}

TEST_CASE("installation: a line that somebody has put between the recipe's stays, and is told") {
  const Host host;
  apply(host, plan(Store::kRustfs));
  std::string hosts = host.read("/etc/hosts");
  hosts.insert(hosts.find("# END"), "10.0.0.60 backup\n");
  host.write("/etc/hosts", hosts);
  const auto said = undo(host);
  CHECK(count(said, "kept 1 line of /etc/hosts") == 1);
  CHECK(host.read("/etc/hosts") == "127.0.0.1 localhost\n127.0.1.1 node1\n10.0.0.2 node2 s3\n10.0.0.60 backup\n");
}

TEST_CASE("installation: a note that is none is an error that says what to do, and names go back all the same") {
  const Host host;
  SUBCASE("to apply") {
    host.write("/etc/peerpulse/recipe.json", "{}");
    CHECK(refusal(host, plan(Store::kRustfs)).find("recipe.json") != std::string::npos);
  }
  SUBCASE("to undo") {
    apply(host, plan(Store::kRustfs));
    host.write("/etc/peerpulse/recipe.json", "\xff\xfe{");
    CHECK_FALSE(host.installation().undo().has_value());
    CHECK(host.read("/etc/hosts") == "127.0.0.1 localhost\n127.0.1.1 node1\n10.0.0.2 node2 s3");
    CHECK(fs::exists(host.root + "/etc/peerpulse/peerpulse.json"));
  }
}

TEST_CASE("installation: a host without /etc/hosts has none afterwards") {
  const Host host;
  fs::remove(host.root + "/etc/hosts");
  const auto before = host.all();
  CHECK(undo(host).empty());
  CHECK(host.all() == before);
  apply(host, plan(Store::kRustfs));
  SUBCASE("as it was") {
    undo(host);
    CHECK(host.all() == before);
  }
  SUBCASE("but for what somebody has put there") {
    host.write("/etc/hosts", host.read("/etc/hosts") + "10.0.0.60 backup\n");
    undo(host);
    CHECK(host.read("/etc/hosts") == "10.0.0.60 backup\n");
  }
}

TEST_CASE("installation: two at once: the second one is refused") {
  const Host host;
  const peerpulse::Fd other(::open((host.root + "/etc").c_str(), O_RDONLY | O_DIRECTORY));
  REQUIRE(::flock(other.get(), LOCK_EX) == 0);
  CHECK(refusal(host, plan(Store::kRustfs)).find("another recipe") != std::string::npos);
  CHECK_FALSE(host.installation().undo().has_value());
  REQUIRE(::flock(other.get(), LOCK_UN) == 0);
  apply(host, plan(Store::kRustfs));
}

TEST_CASE("installation: links") {
  const Host host;
  fs::remove(host.root + "/etc/hosts");
  SUBCASE("are followed") {
    host.write("/srv/hosts", "10.0.0.2 node2\n");
    fs::create_symlink("../srv/hosts", host.root + "/etc/hosts");
    const auto before = host.all();
    apply(host, plan(Store::kRustfs));
    CHECK(fs::is_symlink(host.root + "/etc/hosts"));
    CHECK(host.read("/srv/hosts").find("127.0.0.12 node2") != std::string::npos);
    undo(host);
    CHECK(host.all() == before);
  }
  SUBCASE("not to nothing") {
    fs::create_symlink("../srv/hosts", host.root + "/etc/hosts");
    CHECK(refusal(host, plan(Store::kRustfs)).find("a link to nothing") != std::string::npos);
  }
  SUBCASE("nor out of the tree") {
    const Host outside;
    fs::create_symlink(outside.root + "/etc/hosts", host.root + "/etc/hosts");
    const auto before = outside.all();
    CHECK(refusal(host, plan(Store::kRustfs)).find("leads out of") != std::string::npos);
    CHECK_FALSE(host.installation().undo().has_value());
    CHECK(outside.all() == before);
  }
  SUBCASE("nor a folder's") {
    const Host outside;
    host.write("/etc/hosts", "");
    fs::create_symlink(outside.root + "/etc", host.root + "/etc/peerpulse");
    const auto before = outside.all();
    CHECK(refusal(host, plan(Store::kRustfs)).find("leads out of") != std::string::npos);
    CHECK(outside.all() == before);
  }
}

TEST_CASE("installation: what could not be begun leaves nothing") {
  const Host host;
  const auto all = host.all();
  const auto outcome = [&] {
    const test::NoRoom noRoom(10);
    return host.installation().apply(plan(Store::kMinio), "");
  }();
  CHECK_FALSE(outcome.has_value());
  CHECK(host.all() == all);
}
