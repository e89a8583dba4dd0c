// Goal: what is put on a host goes again byte by byte, a second time changes nothing, and what is somebody else's stays.
#include "peerpulse/recipe/installation.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <sys/stat.h>

#include <doctest/doctest.h>

#include "manifest.h"

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
  Installation installation() const { return Installation(root); }
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

}  // namespace

TEST_CASE("installation: applied, applied again, undone: as before byte for byte") {
  for (const Store store : {Store::kRustfs, Store::kMinio, Store::kSwift}) {
    CAPTURE(toString(store));
    const Host host;
    const auto before = host.all();
    auto first = host.installation().apply(plan(store));
    REQUIRE(first.has_value());
    CHECK(first->size() >= 4);
    for (const OwnFile& file : plan(store).files)
      CHECK(host.read(file.path) == file.content);
    for (const OwnLink& link : plan(store).links)
      CHECK(fs::read_symlink(host.root + link.path) == link.target);
    CHECK(host.read("/etc/hosts").find("\n10.0.0.2 s3\n") != std::string::npos);
    const auto applied = host.all();
    auto second = host.installation().apply(plan(store));
    REQUIRE(second.has_value());
    CHECK(second->empty());
    CHECK(host.all() == applied);
    auto undone = host.installation().undo();
    REQUIRE(undone.has_value());
    CHECK_FALSE(undone->empty());
    CHECK(host.all() == before);
    CHECK(host.installation().undo()->empty());
  }
}

TEST_CASE("installation: another cluster, or store, takes the first one's place") {
  const Host host;
  const auto before = host.all();
  REQUIRE(host.installation().apply(plan(Store::kMinio)).has_value());
  REQUIRE(host.installation().apply(plan(Store::kRustfs, 5)).has_value());
  const Host fresh;
  REQUIRE(fresh.installation().apply(plan(Store::kRustfs, 5)).has_value());
  auto replaced = host.all();
  auto wanted = fresh.all();
  replaced.erase("/etc/peerpulse/recipe.json");  // it also has the folders that the first one made
  wanted.erase("/etc/peerpulse/recipe.json");
  for (const auto& [path, content] : wanted)
    CHECK(replaced[path] == content);
  CHECK(replaced.count("/etc/systemd/system/peerpulse-addresses.service") == 0);
  REQUIRE(host.installation().undo().has_value());
  CHECK(host.all() == before);
}

TEST_CASE("installation: replaced half-way it can be done again, and undone") {
  for (const bool again : {true, false}) {
    const Host host;
    const auto before = host.all();
    REQUIRE(host.installation().apply(plan(Store::kMinio)).has_value());
    // As if the power had gone after the note, and after one of the files.
    const Plan next = plan(Store::kRustfs, 5);
    Manifest both = *Manifest::parse(host.read(kManifestPath));
    both.files.insert(both.files.begin(), next.files.begin(), next.files.end());
    host.write(kManifestPath, both.text());
    host.write(next.files[0].path, next.files[0].content);
    if (again) {
      REQUIRE(host.installation().apply(next).has_value());
      CHECK_FALSE(fs::exists(host.root + "/etc/systemd/system/peerpulse-addresses.service"));
    }
    REQUIRE(host.installation().undo().has_value());
    CHECK(host.all() == before);
  }
}

TEST_CASE("installation: what is somebody else's is not touched") {
  const Host host;
  host.write("/etc/peerpulse/peerpulse.json", "{ \"mine\": true }");
  const auto before = host.all();
  auto refused = host.installation().apply(plan(Store::kRustfs));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("/etc/peerpulse/peerpulse.json is there, and not by a recipe") !=
        std::string::npos);
  CHECK(host.all() == before);
}

TEST_CASE("installation: what was changed since is neither overwritten nor removed") {
  const Host host;
  REQUIRE(host.installation().apply(plan(Store::kRustfs)).has_value());
  host.write("/etc/peerpulse/peerpulse.json", "{ \"mine\": true }");
  const auto before = host.all();
  CHECK_FALSE(host.installation().apply(plan(Store::kRustfs)).has_value());
  CHECK(host.all() == before);
  auto undone = host.installation().undo();
  REQUIRE(undone.has_value());
  CHECK(host.read("/etc/peerpulse/peerpulse.json") == "{ \"mine\": true }");
  CHECK(host.read("/etc/hosts") == "127.0.0.1 localhost\n127.0.1.1 node1\n10.0.0.2 node2 s3");
  CHECK_FALSE(fs::exists(host.root + "/etc/peerpulse/recipe.json"));
}

TEST_CASE("installation: a note that is none is an error that says what to do") {
  const Host host;
  host.write("/etc/peerpulse/recipe.json", "{}");
  auto refused = host.installation().apply(plan(Store::kRustfs));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("recipe.json") != std::string::npos);
}
