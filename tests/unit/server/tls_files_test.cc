// Goal: changed files are taken by new connections, what does not fit together is not, and peers with the same settings share.
#include "tls_files.h"

#include <doctest/doctest.h>

#include "certificates.h"
#include "manual_scheduler.h"
#include "temp_dir.h"

using namespace peerpulse;
using namespace peerpulse::server;
using peerpulse::test::Certificate;

namespace {

struct Fixture {
  Fixture() {
    directory.put("ca.pem", authority.pem());
    issue(3600);
    options.peers.resize(2);
    for (size_t i = 0; i < 2; ++i) {
      proxy::PeerOptions& peer = options.peers[i];
      peer.id = PeerId{static_cast<uint32_t>(i)};
      peer.tls.enabled = true;
      peer.tls.caFile = directory.file("ca.pem");
      peer.tls.serverName = i == 0 ? "node2" : "node3";
      peer.tlsDownstream.certificateFile = directory.file("chain.pem");
      peer.tlsDownstream.keyFile = directory.file("key.pem");
    }
  }
  void issue(long seconds) {
    const Certificate made = authority.issue("DNS:node2", seconds);
    directory.put("chain.pem", made.chain);
    directory.put("key.pem", made.key);
  }
  uint64_t listenerExpiry(size_t peer) const {
    return stats.peer(PeerId{static_cast<uint32_t>(peer)}).certificates.listener.get();
  }

  test::Authority authority;
  test::TempDir directory;
  test::ManualScheduler scheduler;
  stats::Stats stats{{"node2", "node3"}, {"default"}, {"main"}};
  proxy::ProxyOptions options;
  TlsFiles files{scheduler, stats};
};

}  // namespace

TEST_CASE("tls files: peers with the same settings share a context, whatever the names they verify") {
  Fixture f;
  const auto prepared = f.files.prepare(f.options);
  CHECK(prepared.peers[0].tlsContext == prepared.peers[1].tlsContext);
  CHECK(prepared.peers[0].tlsDownstreamContext == prepared.peers[1].tlsDownstreamContext);
  REQUIRE(f.files.load());
  CHECK(prepared.peers[0].tlsContext->get() != nullptr);
  CHECK(prepared.peers[0].tlsDownstreamContext->get() != prepared.peers[0].tlsContext->get());
  CHECK(f.stats.peer(PeerId{1}).tlsUpstream.enabled.get() == 1);
  CHECK(f.listenerExpiry(0) != 0);
  CHECK(f.listenerExpiry(0) == f.listenerExpiry(1));
  CHECK(f.stats.peer(PeerId{0}).certificates.client.get() == 0);  // none is shown
}

TEST_CASE("tls files: without TLS there are none") {
  Fixture f;
  f.options.peers[0].tls.enabled = false;
  f.options.peers[0].tlsDownstream = {};
  const auto prepared = f.files.prepare(f.options);
  CHECK(prepared.peers[0].tlsContext == nullptr);
  CHECK(prepared.peers[0].tlsDownstreamContext == nullptr);
  CHECK(f.stats.peer(PeerId{0}).tlsUpstream.enabled.get() == 0);
}

TEST_CASE("tls files: what cannot be read at the start is an error with its key") {
  Fixture f;
  f.options.peers[1].tls.caFile = "/nowhere/ca.pem";
  (void)f.files.prepare(f.options);
  const auto loaded = f.files.load();
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().message.starts_with("/peers/1/tls/upstream: /nowhere/ca.pem: "));
}

TEST_CASE("tls files: a changed certificate is taken; one without its key is not, and is tried again") {
  Fixture f;
  const auto prepared = f.files.prepare(f.options);
  REQUIRE(f.files.load());
  f.files.watch();
  const auto& slot = prepared.peers[0].tlsDownstreamContext;
  const auto first = slot->get();
  f.scheduler.advance(seconds(5));
  CHECK(slot->get() == first);
  CHECK(f.stats.tlsReloads.get() == 0);

  const uint64_t before = f.listenerExpiry(1);
  const Certificate next = f.authority.issue("DNS:node2", 7200);
  f.directory.put("chain.pem", next.chain);  // and the key comes later
  f.scheduler.advance(seconds(2));
  CHECK(slot->get() == first);
  CHECK(f.stats.tlsReloadsFailed.get() == 1);
  f.scheduler.advance(TlsFiles::kRetry);
  CHECK(f.stats.tlsReloadsFailed.get() == 2);
  f.directory.put("key.pem", next.key);
  f.scheduler.advance(seconds(2));
  CHECK(slot->get() != first);
  CHECK(f.stats.tlsReloads.get() == 1);
  CHECK(f.listenerExpiry(1) > before + 3000);
  f.scheduler.advance(2 * TlsFiles::kRetry);
  CHECK(f.stats.tlsReloads.get() == 1);
  CHECK(f.stats.tlsReloadsFailed.get() == 2);
}

TEST_CASE("tls files: a file that has gone leaves what was read") {
  Fixture f;
  const auto prepared = f.files.prepare(f.options);
  REQUIRE(f.files.load());
  f.files.watch();
  const auto first = prepared.peers[0].tlsContext->get();
  std::filesystem::remove(f.directory.file("ca.pem"));
  f.scheduler.advance(seconds(2));
  CHECK(prepared.peers[0].tlsContext->get() == first);
  CHECK(f.stats.tlsReloadsFailed.get() == 1);
  f.directory.put("ca.pem", f.authority.pem());
  f.scheduler.advance(seconds(2));
  CHECK(prepared.peers[0].tlsContext->get() != first);
  CHECK(f.stats.tlsReloads.get() == 1);
}
