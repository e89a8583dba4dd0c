#include "storage_node/chunk_path.h"

#include <string>

#include <doctest/doctest.h>

using peerpulse::storage_node::ChunkPath;

TEST_CASE("ChunkPath: disk and path") {
  const auto path = ChunkPath::parse("/chunks/disk1/a/b.0.3");
  REQUIRE(path);
  CHECK(path->disk == "disk1");
  CHECK(path->path == "a/b.0.3");
  CHECK_FALSE(path->overwrite);
}

TEST_CASE("ChunkPath: overwrite is asked for explicitly") {
  CHECK(ChunkPath::parse("/chunks/d/x?overwrite=1")->overwrite);
  CHECK_FALSE(ChunkPath::parse("/chunks/d/x?overwrite=0")->overwrite);
  CHECK_FALSE(ChunkPath::parse("/chunks/d/x?")->overwrite);
  CHECK_FALSE(ChunkPath::parse("/chunks/d/x?overwrite"));
  CHECK_FALSE(ChunkPath::parse("/chunks/d/x?overwrite=2"));
  CHECK_FALSE(ChunkPath::parse("/chunks/d/x?force=1"));
}

TEST_CASE("ChunkPath: percent-decoding") {
  CHECK(ChunkPath::parse("/chunks/d/%41%62c%20d")->path == "Abc d");
  CHECK(ChunkPath::parse("/chunks/d/%25%3F%23")->path == "%?#");
  CHECK(ChunkPath::parse("/chunks/d/%c3%A9")->path == "\xC3\xA9");
  for (const char* bad : {"/chunks/d/%", "/chunks/d/%4", "/chunks/d/%zz", "/chunks/d/a%4", "/chunks/d/%4g"}) {
    CAPTURE(bad);
    CHECK_FALSE(ChunkPath::parse(bad));
  }
}

TEST_CASE("ChunkPath: nothing leaves the disk's directory") {
  for (const char* bad : {"/chunks/d/..",
                          "/chunks/d/../x",
                          "/chunks/d/a/../../x",
                          "/chunks/d/.",
                          "/chunks/d/a/./b",
                          "/chunks/../etc",
                          "/chunks/./x",
                          "/chunks/d/%2e%2e/x",
                          "/chunks/d/%2E",
                          "/chunks/d/a%2fb",
                          "/chunks/d/..%2f..%2fetc",
                          "/chunks/d//x",
                          "/chunks/d/x/",
                          "/chunks/d/",
                          "/chunks/d",
                          "/chunks/",
                          "/chunks//x",
                          "/chunks/d/a%00b",
                          "/chunks/d/a%0ab",
                          "/chunks/d/a%7fb"}) {
    CAPTURE(bad);
    CHECK_FALSE(ChunkPath::parse(bad));
  }
  CHECK(ChunkPath::parse("/chunks/d/...")->path == "...");
  CHECK(ChunkPath::parse("/chunks/d/.hidden")->path == ".hidden");
}

TEST_CASE("ChunkPath: lengths are limited") {
  const std::string segment(255, 's');
  CHECK(ChunkPath::parse("/chunks/d/" + segment));
  CHECK_FALSE(ChunkPath::parse("/chunks/d/" + segment + "s"));
  CHECK(ChunkPath::parse("/chunks/d/" + segment + "/" + segment + "/" + segment + "/" + segment));
  CHECK_FALSE(ChunkPath::parse("/chunks/d/" + segment + "/" + segment + "/" + segment + "/" + segment + "/ss"));
  // What counts is the decoded length.
  std::string encoded;
  for (int i = 0; i < 255; ++i)
    encoded += "%73";
  CHECK(ChunkPath::parse("/chunks/d/" + encoded)->path == segment);
}
