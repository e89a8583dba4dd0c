// Goal: a file is replaced whole or not at all, and never one that is not what was read. A mount: tests/lab/test_recipe.py.
#include "whole_file.h"

#include <filesystem>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "no_room.h"

using namespace peerpulse::recipe;
namespace fs = std::filesystem;

namespace {

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "peerpulse-whole-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
  std::string path;
};

}  // namespace

TEST_CASE("whole file: written, read, replaced with its mode and attributes") {
  const Folder folder;
  const std::string path = folder.path + "/hosts";
  CHECK_FALSE(readWhole(path)->has_value());
  REQUIRE(writeWhole(path, "one", std::nullopt).has_value());
  CHECK(*readWhole(path) == "one");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  const bool attributes = ::setxattr(path.c_str(), "user.mark", "x", 1, 0) == 0;  // not every file system has them
  REQUIRE(writeWhole(path, "two", "one").has_value());
  CHECK(*readWhole(path) == "two");
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
  if (attributes) CHECK(::getxattr(path.c_str(), "user.mark", nullptr, 0) == 1);
  CHECK(folder.files() == 1);
}

TEST_CASE("whole file: what was changed meanwhile stays") {
  const Folder folder;
  const std::string path = folder.path + "/hosts";
  REQUIRE(writeWhole(path, "theirs", std::nullopt).has_value());
  for (const std::optional<std::string>& before :
       {std::optional<std::string>("what was read"), std::optional<std::string>()}) {
    const auto written = writeWhole(path, "ours", before);
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error().message == path + " was changed by somebody else meanwhile, and left as it is: try again");
    CHECK(*readWhole(path) == "theirs");
  }
  CHECK_FALSE(writeWhole(folder.path + "/gone", "ours", "what was read").has_value());
  CHECK(folder.files() == 1);
}

TEST_CASE("whole file: a disk without room") {
  const Folder folder;
  const std::string path = folder.path + "/hosts";
  REQUIRE(writeWhole(path, "theirs", std::nullopt).has_value());
  const auto written = [&] {
    const test::NoRoom noRoom(10);
    return writeWhole(path, std::string(100, 'x'), "theirs");
  }();
  CHECK_FALSE(written.has_value());
  CHECK(*readWhole(path) == "theirs");
  CHECK(folder.files() == 1);
}

TEST_CASE("whole file: links that lead out of a tree") {
  const Folder folder;
  const Folder other;
  fs::create_directories(folder.path + "/tree/etc");
  fs::create_symlink(other.path, folder.path + "/tree/out");
  fs::create_symlink("etc", folder.path + "/tree/in");
  const std::string root = folder.path + "/tree";
  CHECK(staysWithin(root, "/etc/hosts").has_value());
  CHECK(staysWithin(root, "/in/hosts").has_value());
  CHECK(staysWithin(root, "/not/there/hosts").has_value());
  CHECK_FALSE(staysWithin(root, "/out/hosts").has_value());
  CHECK_FALSE(staysWithin(root, "/out").has_value());
  CHECK_FALSE(staysWithin(folder.path + "/no tree", "/etc/hosts").has_value());
  CHECK(staysWithin("", "/anywhere").has_value());
}
