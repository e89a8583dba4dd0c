// TLS between a client and a server of ours, in memory: one bit of the input chooses between
//   spoilt   a request over a TLS connection, whose records are changed, lost or made up on their way, in either direction
//   raw      the input is what a client says to the server
// Nothing arrives that was not sent, what arrives whole is all, and both ends have an end.
#include <array>
#include <memory>
#include <string>

#include <openssl/rand.h>

#include "certificates.h"
#include "check.h"
#include "codec_users.h"
#include "fuzzers.h"
#include "memory_listener.h"
#include "memory_network.h"
#include "memory_transport.h"
#include "peerpulse/net/tls_transport.h"
#include "peerpulse/wire/codec_connection.h"
#include "scripted_client.h"
#include "spoiler.h"
#include "temp_dir.h"
#include "virtual_scheduler.h"

namespace peerpulse::fuzz {
namespace {

using namespace peerpulse::test;

/// The same keys and nonces for the same input: a finding must replay.
class SameRandom {
 public:
  static void begin() {
    static const bool set = [] {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
      static const RAND_METHOD method{nullptr, bytes, nullptr, nullptr, bytes, [] { return 1; }};
      return RAND_set_rand_method(&method) == 1;
#pragma clang diagnostic pop
    }();
    FUZZ_CHECK(set, "OpenSSL takes our numbers");
    state_ = 1;
  }

 private:
  static int bytes(unsigned char* to, int count) {
    for (int i = 0; i < count; ++i) {
      state_ = state_ * 6364136223846793005U + 1442695040888963407U;
      to[i] = static_cast<unsigned char>(state_ >> 56U);
    }
    return 1;
  }
  static inline uint64_t state_ = 1;
};

/// Made once: keys take longer than everything else.
struct Contexts {
  Contexts() {
    const Authority authority;
    const Certificate certificate = authority.issue("DNS:node2,IP:10.0.0.2");
    net::TlsServerOptions serverOptions;
    serverOptions.certificateFile = directory.put("server.pem", certificate.chain + certificate.key);
    net::TlsClientOptions clientOptions;
    clientOptions.enabled = true;
    clientOptions.caFile = directory.put("ca.pem", authority.pem());
    auto serverMade = net::TlsContext::server(serverOptions);
    auto clientMade = net::TlsContext::client(clientOptions);
    FUZZ_CHECK(serverMade && clientMade, "contexts of our own certificates");
    server = *serverMade;
    client = std::make_shared<net::TlsContextSlot>(*clientMade);
  }
  TempDir directory;
  net::TlsContextRef server;
  net::TlsSlotRef client;
};

/// The server's side of one connection.
class Served final : wire::CodecConnectionOwner {
 public:
  Served(wire::IoContext& io, std::unique_ptr<net::Transport> transport)
      : users(SteadyServer::Answer::kSized), connection_(io, std::move(transport), *this) {
    users.whenOutput = [this] { connection_.outputReady(); };
  }
  bool ended() const { return ended_; }
  void close() {
    if (!ended_) connection_.close("the end");
  }
  SteadyServer users;

 private:
  std::unique_ptr<http::Codec> createCodec(http::Preface preface) override {
    return http::createServerCodec(preface, users, http::CodecLimits());
  }
  void onEnded(const wire::End&) override {
    FUZZ_CHECK(!ended_, "one end");
    ended_ = true;
  }
  bool ended_ = false;
  wire::CodecConnection connection_;
};

class TlsScene {
 public:
  explicit TlsScene(const Contexts& contexts)
      : here_(network_.addHost("10.0.0.1")),
        there_(network_.addHost("10.0.0.2")),
        connector_(network_, here_, outside_),
        spoiling_(connector_, request),
        tls_(outside_, spoiling_, contexts.client, net::TlsTarget{"node2", net::Alpn::kHttp1}),
        tlsH2_(outside_, spoiling_, contexts.client, net::TlsTarget{"node2", net::Alpn::kHttp2}),
        clientIo_(outside_, tls_),
        clientIoH2_(outside_, tlsH2_),
        serverIo_(loop_, connector_),
        listener_(network_, there_, *SocketAddress::parse("10.0.0.2:9000")),
        acceptor_(loop_, listener_, [this, &contexts](std::unique_ptr<net::Transport> below) {
          auto transport = net::TlsTransport::server(loop_, std::make_unique<Spoiler>(std::move(below), response),
                                                     contexts.server);
          FUZZ_CHECK(transport, "a server's end");
          served_ = std::make_unique<Served>(serverIo_, std::move(*transport));
        }) {
    network_.setPaths(here_, there_, {microseconds(100), {}, 0, milliseconds(5)});
  }
  ~TlsScene() {
    served_.reset();
    loop_.clearDeferred();
    outside_.clearDeferred();
  }

  void exchange(bool http2, const std::string& body) {
    TestClient client(http2 ? clientIoH2_ : clientIo_, listener_.address(), http2);
    ClientRequest& asked = client.send("PUT", "/", body);
    time_.runUntil([&] { return asked.done(); }, seconds(20));
    const bool spoilt = request.done || response.done;
    FUZZ_CHECK(spoilt || (asked.closed && asked.head.status == 200), "what is not spoilt arrives");
    if (served_ != nullptr) {
      FUZZ_CHECK(served_->users.exchanges.size() <= 1, "one request at most");
      for (const auto& exchange : served_->users.exchanges)
        FUZZ_CHECK(exchange->is("PUT /", body), "nothing arrives that was not sent");
      FUZZ_CHECK(!asked.gotHead || served_->users.exchanges.size() == 1, "an answer has a request");
    }
    if (!asked.done()) client.connection().abort("the end");
    FUZZ_CHECK(asked.done(), "a request has an end");
    if (served_ != nullptr) served_->close();
    time_.runFor(seconds(20));
    if (served_ != nullptr) FUZZ_CHECK(served_->ended() && allOver(served_->users), "the server's side has an end");
  }

  void listenTo(std::string_view bytes) {
    struct Ignoring final : net::TransportEvents {
      void onTransportReady(uint32_t) override {}
    } ignoring;
    auto transport = connector_.connect(listener_.address(), {});
    FUZZ_CHECK(transport, "a connect begins");
    (*transport)->attach(ignoring);
    time_.runFor(milliseconds(5));
    const iovec entry{const_cast<char*>(bytes.data()), bytes.size()};
    if (!bytes.empty()) (void)(*transport)->write(&entry, 1);
    time_.runFor(seconds(1));
    FUZZ_CHECK(served_ == nullptr || served_->users.exchanges.empty(), "no request without a handshake");
    (*transport)->close(false);
    time_.runFor(seconds(20));
    if (served_ != nullptr) served_->close();
    time_.runFor(seconds(20));
    FUZZ_CHECK(served_ == nullptr || served_->ended(), "the server's side has an end");
  }

  Spoil request, response;

 private:
  VirtualTime time_;
  VirtualScheduler loop_{time_}, outside_{time_};
  MemoryNetwork network_{time_};
  const HostId here_, there_;
  MemoryConnector connector_;
  SpoilingConnector spoiling_;
  net::TlsConnector tls_, tlsH2_;
  wire::IoContext clientIo_, clientIoH2_, serverIo_;
  MemoryListener listener_;
  std::unique_ptr<Served> served_;
  MemoryAcceptor acceptor_;
};

}  // namespace

void fuzzTls(Input input) {
  static const Contexts contexts;
  SameRandom::begin();
  TlsScene scene(contexts);
  const uint32_t bits = input.byte();
  if ((bits & 1U) != 0) {
    scene.listenTo(input.rest().substr(0, size_t{32} * 1024));
    return;
  }
  const std::string body(1 + input.word() % 8000, 'b');
  while (!input.empty() && scene.request.edits.size() + scene.response.edits.size() < 8) {
    const uint32_t what = input.byte();
    Spoil& spoil = (what & 1U) != 0 ? scene.response : scene.request;
    spoil.edits.push_back({static_cast<Spoil::Kind>((what >> 1U) % 3), input.word() % 16'384, input.byte()});
  }
  scene.exchange((bits & 2U) != 0, body);
}

}  // namespace peerpulse::fuzz
