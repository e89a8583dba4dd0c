// Goal: a session reports each thing that happens on its connection once, in the moment it is read, and the end last.
// Method: sessions to a scripted peer on the same loop.
#include "probe_session.h"

#include <cerrno>
#include <string>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "peerpulse/net/plain_transport.h"
#include "run_until.h"
#include "scripted_peer.h"

namespace peerpulse::probe {
namespace {

using Events = std::vector<std::string>;

struct Fixture {
  explicit Fixture(health::ConnectionKind kind = health::ConnectionKind::kHttp2, const std::string& path = "/ok") {
    open = [this, kind, path] {
      session = std::make_unique<ProbeSession>(io, connector, peer.listener->address(), SocketAddress(),
                                               peer.listener->address().toString(), health::OpenConnection{7, kind},
                                               path, [this](const health::Event& event) { record(event); });
    };
  }
  ~Fixture() {
    if (session != nullptr) session->close(ProbeSession::Leave::kReset);
    session.reset();
    dispatcher.clearDeferred();
  }
  template <typename Condition>
  void until(Condition condition) {
    test::runUntil(dispatcher, condition);
  }
  void untilReported(const std::string& event) {
    until([&] { return !events.empty() && events.back() == event; });
  }
  void record(const health::Event& event) {
    std::string text;
    if (std::get_if<health::Connected>(&event) != nullptr) text = "connected";
    if (std::get_if<health::Received>(&event) != nullptr) text = "received";
    if (const auto* e = std::get_if<health::PingAcked>(&event); e != nullptr) {
      CHECK(e->epoch == 7);
      text = "acked " + std::to_string(e->sequence);
    }
    if (const auto* e = std::get_if<health::GoneAway>(&event); e != nullptr)
      text = e->enhanceYourCalm ? "calm" : "goaway";
    if (const auto* e = std::get_if<health::HealthAnswered>(&event); e != nullptr)
      text = "health " + std::to_string(e->status);
    if (const auto* e = std::get_if<health::Closed>(&event); e != nullptr)
      text = "closed " + std::to_string(e->error) + (e->notHttp2 ? " not h2" : "");
    REQUIRE_FALSE(text.empty());
    events.push_back(text);
    if (whenReported) whenReported(text);
  }

  event::Dispatcher dispatcher;
  net::PlainConnector connector{dispatcher};
  wire::IoContext io{dispatcher, connector};
  test::TestPeer peer{dispatcher, io};
  Events events;
  std::function<void(const std::string&)> whenReported;
  std::function<void()> open;
  std::unique_ptr<ProbeSession> session;
};

}  // namespace

TEST_CASE("probe session: what is read is reported once, as the most that can be said of it") {
  Fixture f;
  f.open();
  CHECK(f.session->connecting());
  CHECK(f.session->fd() >= 0);
  CHECK(f.events.empty());
  f.untilReported("received");  // SETTINGS and their ACK may come together or apart
  CHECK(f.events[0] == "connected");
  CHECK_FALSE(f.session->connecting());
  CHECK(f.session->kernelView().has_value());
  f.until([&, stop = f.dispatcher.now() + milliseconds(20)] { return f.dispatcher.now() > stop; });
  f.events.clear();
  for (uint32_t sequence = 1; sequence <= 3; ++sequence) {
    f.session->sendPing(sequence);
    f.untilReported("acked " + std::to_string(sequence));
  }
  f.dispatcher.post([&] { f.dispatcher.exit(); });
  f.dispatcher.run();
  CHECK(f.events == Events{"acked 1", "acked 2", "acked 3"});
}

TEST_CASE("probe session: a PING sent in answer to what is read") {
  Fixture f;
  f.whenReported = [&](const std::string& event) {
    if (event == "connected") f.session->sendPing(1);
    if (event == "acked 1") f.session->sendPing(2);
  };
  f.open();
  f.untilReported("acked 2");
}

TEST_CASE("probe session: the end, as the peer brings it about") {
  Fixture f;
  SUBCASE("in order") {
    f.open();
    f.untilReported("received");
    f.peer.connections.front()->close();
    f.untilReported("closed 0");
    CHECK(Events(f.events.end() - 3, f.events.end()) == Events{"goaway", "received", "closed 0"});
  }
  SUBCASE("by a reset") {
    f.open();
    f.untilReported("received");
    f.peer.connections.front()->abort();
    f.untilReported("closed " + std::to_string(ECONNRESET));
  }
  SUBCASE("refused") {
    REQUIRE(f.peer.listener->refuse());
    f.open();
    f.untilReported("closed " + std::to_string(ECONNREFUSED));
    CHECK(f.events.size() == 1);
  }
  CHECK(f.session->fd() == -1);
  CHECK_FALSE(f.session->kernelView().has_value());
  const size_t before = f.events.size();
  f.session->sendPing(9);
  f.session->close(ProbeSession::Leave::kReset);
  CHECK(f.events.size() == before);
}

TEST_CASE("probe session: a peer that answers the preface in h1 is heard, and speaks no h2") {
  Fixture f;
  f.peer.onBadRequest = [](test::ServedRequest& request, int status) { request.answer(status, "what?"); };
  f.peer.onlyHttp1 = true;
  f.open();
  f.untilReported("closed 0 not h2");
  CHECK(f.events == Events{"connected", "received", "closed 0 not h2"});
}

TEST_CASE("probe session: a request is answered, or said to have broken off before the end is") {
  for (const std::string path : {"/ok", "/hang"}) {
    CAPTURE(path);
    Fixture f(health::ConnectionKind::kRequests, path);
    f.whenReported = [&](const std::string& event) {
      if (event == "connected") f.session->sendRequest();
    };
    f.open();
    if (path == "/ok") {
      f.untilReported("health 200");
      CHECK(f.events == Events{"connected", "health 200"});
    } else {
      f.until([&] { return f.peer.requests.size() == 1; });
      f.peer.connections.front()->abort();
      f.untilReported("closed " + std::to_string(ECONNRESET));
      CHECK(f.events == Events{"connected", "health 0", f.events.back()});
    }
  }
}

TEST_CASE("probe session: closed from inside a report, it is silent, and the peer sees a reset") {
  Fixture f;
  f.whenReported = [&](const std::string& event) {
    if (event == "acked 1") f.session->close(ProbeSession::Leave::kReset);
  };
  f.open();
  f.untilReported("received");
  f.session->sendPing(1);
  f.until([&] { return f.peer.connections.front()->ended; });
  CHECK(f.events.back() == "acked 1");
  CHECK(f.peer.connections.front()->closeCode == ECONNRESET);
}

TEST_CASE("probe session: a keepalive probe that was asked for leaves, however often the kernel is asked before") {
  Fixture f(health::ConnectionKind::kRequests);
  f.open();
  f.untilReported("connected");
  const auto view = [&] { return f.session->kernelView().value(); };
  if (view().segments.sent == 0) return;                         // this kernel does not count them
  f.until([&] { return view().lastAckReceived > seconds(1); });  // sooner none is sent
  const uint32_t before = view().segments.sent;
  f.session->drawAck();
  CHECK(view().segments.sent == before);
  f.until([&] { return view().segments.sent > before && view().lastAckReceived < seconds(1); });
}

}  // namespace peerpulse::probe
