#include "erasure_writer/manifest.h"

#include <filesystem>
#include <string>

#include <doctest/doctest.h>

#include "../temp_dir.h"
#include "erasure_writer/sha256.h"

using namespace peerpulse;
using namespace peerpulse::erasure_writer;

namespace {

Manifest example() {
  Manifest manifest;
  manifest.blockSize = 1000;
  manifest.prefix = "run1";
  for (int i = 0; i < kShards; ++i)
    manifest.disks.push_back("http://10.0.0.1:9000/chunks/disk" + std::to_string(i));
  ManifestObject object;
  object.name = Sha256::of("a");
  object.source = "/usr/lib/a \"quoted\" \xFF";
  object.size = 30'000;
  object.sha256 = Sha256::of("content");
  object.stripes = 3;
  object.shards = ShardSet(0xFFF7);
  object.moved.push_back({2, 5, "http://10.0.0.2:9000/chunks/spare"});
  manifest.objects.push_back(object);
  return manifest;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("Manifest: what is saved is loaded") {
  test::TempDir directory;
  const Manifest saved = example();
  REQUIRE(saved.save(directory / "m.json"));
  REQUIRE(saved.save(directory / "m.json"));  // replaces
  CHECK_FALSE(std::filesystem::exists(directory / "m.json.tmp"));
  const auto loaded = Manifest::load(directory / "m.json");
  REQUIRE(loaded);
  CHECK(loaded->blockSize == saved.blockSize);
  CHECK(loaded->prefix == saved.prefix);
  CHECK(loaded->disks == saved.disks);
  REQUIRE(loaded->objects.size() == 1);
  const ManifestObject& object = loaded->objects[0];
  CHECK(object.name == saved.objects[0].name);
  CHECK(object.size == 30'000);
  CHECK(object.sha256 == saved.objects[0].sha256);
  CHECK(object.stripes == 3);
  CHECK(object.shards == saved.objects[0].shards);
  REQUIRE(object.moved.size() == 1);
  CHECK(object.moved[0].stripe == 2);
  CHECK(object.moved[0].shard == 5);
  CHECK(object.moved[0].disk == "http://10.0.0.2:9000/chunks/spare");
}

TEST_CASE("Manifest: what does not fit together is refused") {
  const std::string good = example().toJson();
  REQUIRE(Manifest::parse(good));
  CHECK_FALSE(Manifest::parse(""));
  CHECK_FALSE(Manifest::parse("[]"));
  CHECK_FALSE(Manifest::parse(good.substr(0, good.size() / 2)));
  CHECK_FALSE(Manifest::parse(replaced(good, "\"version\": 1", "\"version\": 2")));
  CHECK_FALSE(Manifest::parse(replaced(good, "\"data_shards\": 12", "\"data_shards\": 8")));
  CHECK_FALSE(Manifest::parse(replaced(good, "\"block_size\": 1000", "\"block_size\": 0")));
  CHECK_FALSE(Manifest::parse(replaced(good, "\"stripes\": 3", "\"stripes\": 4")));
  CHECK_FALSE(Manifest::parse(replaced(good, "\"size\": 30000", "\"size\": -1")));
  CHECK_FALSE(Manifest::parse(replaced(good, "   15", "   16")));
  CHECK_FALSE(Manifest::parse(replaced(good, Sha256::of("a"), "../../etc/passwd")));
  CHECK_FALSE(Manifest::parse(replaced(good, "  \"http://10.0.0.1:9000/chunks/disk0\",\n", "")));
}

TEST_CASE("Manifest: errors name the file") {
  const auto missing = Manifest::load("/nonexistent/m.json");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message.find("/nonexistent/m.json") != std::string::npos);
  CHECK_FALSE(example().save("/nonexistent/m.json"));
}

TEST_CASE("chunkPath") {
  CHECK(chunkPath("", "abcdef", 0, 15) == "/ab/abcdef.0.15");
  CHECK(chunkPath("run1", "abcdef", 12, 3) == "/run1/ab/abcdef.12.3");
}

TEST_CASE("Sha256: known values") {
  CHECK(Sha256::of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(Sha256::of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
