// Places of the admin's clients: who is of no use gives way.
#include <chrono>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "fixture.h"

namespace peerpulse::admin::test {
namespace {

constexpr size_t kPlaces = 128;

/// So many that all places are in use; the server has them all when this returns.
std::vector<Client> fill(Fixture& f, size_t count, const std::string& firstBytes = "") {
  std::vector<Client> clients;
  const uint64_t before = f.stats.admin.connections.get();
  for (size_t i = 0; i < count; ++i) {
    clients.emplace_back(f.address());
    if (!firstBytes.empty()) clients.back().send(firstBytes);
  }
  const auto begun = std::chrono::steady_clock::now();
  while (f.stats.admin.connections.get() != before + count) {
    REQUIRE(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
    std::this_thread::yield();
  }
  return clients;
}

}  // namespace

TEST_CASE("admin connections: silent ones, as many as there are places, keep nobody from an answer") {
  Fixture f;
  std::vector<Client> silent;
  SUBCASE("that say nothing") { silent = fill(f, kPlaces); }
  SUBCASE("that do not come to the end of a head") { silent = fill(f, kPlaces, "GET /livez HTTP/1.1\r\nhost:"); }
  SUBCASE("that do not come to the end of a body") {
    silent = fill(f, kPlaces,
                  "POST /peers/node2/circuit HTTP/1.1\r\nhost: " + f.host() + "\r\ncontent-length: 9\r\n\r\n{");
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    for (Client& client : silent)
      client.send(" ");
  }
  SUBCASE("that have had an answer") {
    silent = fill(f, kPlaces, "GET /livez HTTP/1.1\r\nhost: " + f.host() + "\r\n\r\n");
    for (Client& client : silent)
      REQUIRE(client.readAnswer().status == 200);
  }
  CHECK(f.get("/livez").status == 200);
  CHECK(f.stats.admin.evicted.get() == 1);
  CHECK(f.stats.admin.refused.get() == 0);
  silent.front().readUntil([](const std::string&) { return false; });
  CHECK(silent.front().eof());  // the one that had been silent for longest
  CHECK(f.stats.admin.connections.get() <= kPlaces);
}

TEST_CASE("admin connections: who waits for news is not silent") {
  Fixture f;
  const uint64_t version = f.events.version();
  const std::string wait =
      "GET /peers?wait=" + std::to_string(version) + " HTTP/1.1\r\nhost: " + f.host() + "\r\n\r\n";
  std::vector<Client> waiting = fill(f, 64, wait);
  std::vector<Client> silent = fill(f, kPlaces - 64);
  for (size_t i = 0; i < 2 * kPlaces; ++i)
    REQUIRE(f.get("/livez").status == 200);
  f.addEvent(1, health::Verdict::kAlive, health::Verdict::kDead);
  for (Client& client : waiting)
    CHECK(client.readAnswer().status == 200);
}

}  // namespace peerpulse::admin::test
