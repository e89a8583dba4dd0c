#include "erasure_writer/disk_url.h"

#include <doctest/doctest.h>

using peerpulse::erasure_writer::DiskUrl;

TEST_CASE("DiskUrl: parts") {
  const auto url = DiskUrl::parse("http://127.0.0.12:9000/chunks/disk1/");
  REQUIRE(url);
  CHECK(url->authority == "127.0.0.12:9000");
  CHECK(url->path == "/chunks/disk1");
  CHECK(url->address.toString() == "127.0.0.12:9000");
  CHECK(url->toString() == "http://127.0.0.12:9000/chunks/disk1");
  CHECK(DiskUrl::parse("http://[::1]:80/d")->authority == "[::1]:80");
}

TEST_CASE("DiskUrl: what is not one") {
  for (const char* bad : {"", "http://", "https://127.0.0.1:1/d", "127.0.0.1:1/d", "http://127.0.0.1/d",
                          "http://127.0.0.1:1", "http://127.0.0.1:1/", "http://127.0.0.1:0/d", "http://name:1/d",
                          "http://127.0.0.1:99999/d", "http://127.0.0.1:1/a b", "http://127.0.0.1:1/d?x",
                          "http://127.0.0.1:1/d#x", "http://unix:/d", "http://127.0.0.1:1/a\r\nb"}) {
    CAPTURE(bad);
    CHECK_FALSE(DiskUrl::parse(bad));
  }
}
