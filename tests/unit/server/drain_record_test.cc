// Goal: the next process learns how the drain before it ended, once, and is not misled by what is no record.
#include "drain_record.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

using namespace peerpulse::server;

namespace {

struct Folder {
  Folder() {
    std::string pattern = "/tmp/drain-record-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() {
    ::unlink(file().c_str());
    ::rmdir(path.c_str());
  }
  std::string file() const { return path + "/drain"; }
  void put(const std::string& text) const { std::ofstream(file()) << text; }
  std::string path;
};

}  // namespace

TEST_CASE("drain_record: what was written is taken once") {
  const Folder folder;
  const DrainRecord record(folder.file());
  CHECK_FALSE(record.take().has_value());
  REQUIRE(record.write({250, 0}).has_value());
  REQUIRE(record.write({0, 3}).has_value());
  const auto end = record.take();
  REQUIRE(end.has_value());
  CHECK(end->leftPermille == 0);
  CHECK(end->cut == 3);
  CHECK_FALSE(record.take().has_value());
  CHECK(::access((folder.file() + ".new").c_str(), F_OK) != 0);
}

TEST_CASE("drain_record: what is no record is none, and does not stay") {
  const Folder folder;
  const DrainRecord record(folder.file());
  for (const char* text : {"", "\n", "left_permille 1001 cut 0\n", "left_permille 10 cut 3", "left_permille 10 cut\n",
                           "left_permille 10 cut 3\nmore", "left_permille -1 cut 3\n", "{}"}) {
    folder.put(text);
    CHECK_MESSAGE(!record.take().has_value(), text);
  }
  folder.put(std::string(100'000, 'x'));
  CHECK_FALSE(record.take().has_value());
  REQUIRE(::mkfifo(folder.file().c_str(), 0600) == 0);
  CHECK_FALSE(record.take().has_value());  // and nobody waits for a writer
}

TEST_CASE("drain_record: where it cannot be written that is said") {
  CHECK(DrainRecord("").write({}).has_value());
  const auto written = DrainRecord("/nonexistent/drain").write({});
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().message.find("/nonexistent/drain") != std::string::npos);
}

TEST_CASE("drain_record: the configuration's file, else systemd's directory, else none") {
  CHECK(drainRecordPath("/x/drain", "/var/lib/peerpulse") == "/x/drain");
  CHECK(drainRecordPath("", "/var/lib/peerpulse:/var/lib/other") == "/var/lib/peerpulse/drain");
  CHECK(drainRecordPath("", nullptr).empty());
  CHECK(drainRecordPath("", "").empty());
}
