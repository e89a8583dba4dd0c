// Goal: names are asked for from the start, again when their TTL is over or somebody hurries, and own addresses are no answer.
#include "peerpulse/dns/resolver.h"

#include <condition_variable>
#include <mutex>

#include <doctest/doctest.h>

#include "dns_server.h"

using namespace peerpulse;
using namespace peerpulse::dns;

namespace {

class Recorder final : public ResolverCallbacks {
 public:
  void removeOwn(std::vector<SocketAddress>& addresses) override {
    std::erase_if(addresses, [](const auto& address) { return address.toString().starts_with("127.9."); });
  }
  void onName(size_t name, const NameRecord::Change& change, const NameView& view) override {
    const std::lock_guard lock(mutex_);
    views_.push_back({name, change, view});
    came_.notify_all();
  }
  struct Told {
    size_t name;
    NameRecord::Change change;
    NameView view;
  };
  template <typename Condition>
  Told wait(Condition condition) {
    std::unique_lock lock(mutex_);
    size_t seen = 0;
    Told found{};
    const bool came = came_.wait_for(lock, seconds(20), [&] {
      for (; seen < views_.size(); ++seen) {
        found = views_[seen];
        if (condition(found)) return true;
      }
      return false;
    });
    CHECK(came);
    return found;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Told> views_;
};

Options optionsFor(const DnsServer& server) {
  Options options;
  options.servers = {server.address()};
  options.timeout = milliseconds(100);
  options.tries = 1;
  options.minTtl = milliseconds(20);
  options.retry = milliseconds(20);
  return options;
}

DnsServer::Reply v4Only(uint16_t type, const std::string& address, uint32_t ttl = 0) {
  DnsServer::Reply reply;
  if (type == DnsServer::kA) reply.addresses = {address};
  reply.ttl = ttl;
  return reply;
}

}  // namespace

TEST_CASE("resolver: tells addresses, and their changes, of each name") {
  std::atomic<bool> moved{false};
  const DnsServer server([&](uint16_t type) { return v4Only(type, moved ? "10.0.0.3" : "10.0.0.2"); });
  Recorder recorder;
  Resolver resolver(optionsFor(server), {{"node2.example", 9000}, {"node3.example", 80}}, recorder);
  resolver.start();
  const auto first = recorder.wait([](const auto& told) { return told.name == 1 && told.change.round; });
  CHECK(first.view.addresses->texts() == std::vector<std::string>{"10.0.0.2:80"});
  moved = true;
  const auto second = recorder.wait([](const auto& told) {
    return told.name == 0 && told.change.addresses && told.view.addresses->texts()[0] == "10.0.0.3:9000";
  });
  CHECK(second.view.state == NameRecord::State::kGood);
  resolver.stop();
}

TEST_CASE("resolver: an answer that leads back to this process is none") {
  const DnsServer server([&](uint16_t type) { return v4Only(type, "127.9.0.1"); });
  Recorder recorder;
  Resolver resolver(optionsFor(server), {{"node2.example", 9000}}, recorder);
  resolver.start();
  const auto told = recorder.wait([](const auto& each) { return each.change.round; });
  CHECK(told.view.status == Status::kLoop);
  CHECK(told.view.state == NameRecord::State::kFailed);
  CHECK(told.view.addresses == nullptr);
}

TEST_CASE("resolver: asks before the TTL is over when somebody hurries") {
  const DnsServer server([&](uint16_t type) { return v4Only(type, "10.0.0.2", 3600); });
  Recorder recorder;
  Resolver resolver(optionsFor(server), {{"node2.example", 9000}}, recorder);
  resolver.start();
  recorder.wait([](const auto& told) { return told.change.round; });
  const int before = server.questions();
  resolver.hurry(0);
  size_t rounds = 0;
  recorder.wait([&](const auto& told) { return told.change.round && ++rounds == 2; });
  CHECK(server.questions() > before);
}

TEST_CASE("resolver: more names than are asked for at once are all answered") {
  const DnsServer server([&](uint16_t type) { return v4Only(type, "10.0.0.2", 3600); });
  Recorder recorder;
  std::vector<Name> names;
  for (size_t i = 0; i < 3 * Resolver::kMaxRounds; ++i)
    names.push_back({"node" + std::to_string(i) + ".example", 9000});
  Resolver resolver(optionsFor(server), names, recorder);
  resolver.start();
  std::vector<bool> done(names.size());
  recorder.wait([&](const auto& told) {
    if (told.change.round && told.view.status == Status::kOk) done[told.name] = true;
    return std::count(done.begin(), done.end(), false) == 0;
  });
}

TEST_CASE("resolver: ends at once, whatever is open") {
  DnsServer::Reply silent;
  silent.silent = true;
  const DnsServer server([&](uint16_t) { return silent; });
  Recorder recorder;
  Options options = optionsFor(server);
  options.timeout = seconds(60);
  const auto resolver = std::make_unique<Resolver>(options, std::vector<Name>{{"node2.example", 9000}}, recorder);
  resolver->start();
  resolver->stop();
  CHECK_NOTHROW(resolver->hurry(0));
}
