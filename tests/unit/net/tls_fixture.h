// Both ends of a TLS connection on one loop: peerpulse's, or OpenSSL's own as somebody else has it, over a real socket.
#pragma once

#include <cerrno>
#include <csignal>
#include <functional>
#include <memory>
#include <poll.h>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "certificates.h"
#include "connection_fixture.h"
#include "peerpulse/net/tls_transport.h"
#include "run_until.h"
#include "temp_dir.h"

namespace peerpulse::net::test {

using peerpulse::test::Authority;
using peerpulse::test::Certificate;
using peerpulse::test::runUntil;
using peerpulse::test::TempDir;

/// Files of one authority: ca.pem, and what is put beside it.
struct Files {
  Files() { directory.put("ca.pem", authority.pem()); }
  TlsClientOptions client() const {
    TlsClientOptions options;
    options.enabled = true;
    options.caFile = directory.file("ca.pem");
    return options;
  }
  /// A server of these names.
  TlsServerOptions server(const std::string& names = "DNS:node2,IP:127.0.0.1") const {
    const Certificate made = authority.issue(names);
    TlsServerOptions options;
    options.certificateFile = directory.put("server.pem", made.chain + made.key);
    return options;
  }
  std::string identity(const Authority& from, const std::string& name) const {
    const Certificate made = from.issue("DNS:" + name);
    return directory.put(name + ".pem", made.chain + made.key);
  }

  Authority authority;
  TempDir directory;
};

/// A client of ours and a server of ours.
struct TlsPair {
  explicit TlsPair(const Files& f) : files(f), clientOptions(f.client()), serverOptions(f.server()) {}

  void connect(Alpn alpn = Alpn::kHttp1) {
    acceptor.reset();  // of an earlier socket, which goes now
    auto context = TlsContext::server(serverOptions);
    REQUIRE_MESSAGE(context, context.error().message);
    serverContext = *context;
    SSL_CTX_set_max_proto_version(serverContext->get(), maxVersion);
    auto own = TlsContext::client(clientOptions);
    REQUIRE_MESSAGE(own, own.error().message);
    slot->set(*own);
    connector = std::make_unique<TlsConnector>(dispatcher, plain, slot, TlsTarget{clientOptions.serverName, alpn});
    auto socket = ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
    REQUIRE(socket);
    listener = std::move(*socket);
    acceptor = std::make_unique<Acceptor>(dispatcher, *listener, [this](Fd fd) {
      auto transport =
          TlsTransport::server(dispatcher, PlainTransport::accepted(dispatcher, std::move(fd)), serverContext);
      REQUIRE(transport);
      server = Connection::accepted(dispatcher, blocks, std::move(*transport), serverSide);
    });
    again();
  }
  void again() {
    client = Connection::connectTo(dispatcher, blocks, *connector, listener->address(), SocketOptions{}, clientSide);
  }
  template <typename Condition>
  void until(Condition condition) {
    runUntil(dispatcher, condition);
  }
  void untilReady() {
    until([&] { return clientSide.ready == 1 && serverSide.ready == 1; });
  }

  const Files& files;
  int maxVersion = TLS1_3_VERSION;
  TlsClientOptions clientOptions;
  TlsServerOptions serverOptions;
  event::Dispatcher dispatcher;
  PlainConnector plain{dispatcher};
  ReadBlocks blocks;
  Recorder clientSide, serverSide;
  std::shared_ptr<TlsContextSlot> slot = std::make_shared<TlsContextSlot>();
  TlsContextRef serverContext;
  std::unique_ptr<TlsConnector> connector;
  std::unique_ptr<ListenSocket> listener;
  std::unique_ptr<Acceptor> acceptor;
  std::unique_ptr<Connection> client, server;
};

/// Somebody else's server, one connection, blocking, on a thread of its own: `serve` gets it after the handshake (or
/// without, where that failed).
class ForeignServer {
 public:
  using Serve = std::function<void(SSL*, int fd)>;
  using Configure = std::function<void(SSL_CTX*)>;

  ForeignServer(const Files& files, Serve serve, Configure configure = {}) {
    auto socket = ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
    REQUIRE(socket);
    listener_ = std::move(*socket);
    context_ = SSL_CTX_new(TLS_server_method());
    const std::string file = files.server().certificateFile;
    REQUIRE(SSL_CTX_use_certificate_chain_file(context_, file.c_str()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(context_, file.c_str(), SSL_FILETYPE_PEM) == 1);
    if (configure) configure(context_);
    thread_ = std::thread([this, serve = std::move(serve)] {
      sigset_t broken;  // OpenSSL's own sockets raise it
      sigemptyset(&broken);
      sigaddset(&broken, SIGPIPE);
      ::pthread_sigmask(SIG_BLOCK, &broken, nullptr);
      pollfd ready{listener_->fd(), POLLIN, 0};
      if (::poll(&ready, 1, 10'000) != 1) return;
      const Fd fd(::accept(listener_->fd(), nullptr, nullptr));
      SSL* ssl = SSL_new(context_);
      SSL_set_fd(ssl, fd.get());
      (void)SSL_accept(ssl);
      serve(ssl, fd.get());
      SSL_free(ssl);
    });
  }
  ~ForeignServer() {
    thread_.join();
    SSL_CTX_free(context_);
  }
  const SocketAddress& address() const { return listener_->address(); }

 private:
  std::unique_ptr<ListenSocket> listener_;
  SSL_CTX* context_ = nullptr;
  std::thread thread_;
};

/// Our client to it.
struct ForeignTalk {
  ForeignTalk(const Files& files, const ForeignServer& server) : ForeignTalk(files.client(), server) {}
  ForeignTalk(const TlsClientOptions& options, const ForeignServer& server) {
    auto own = TlsContext::client(options);
    REQUIRE(own);
    slot->set(*own);
    connection = Connection::connectTo(dispatcher, blocks, connector, server.address(), SocketOptions{}, recorder);
  }
  void untilClosed() {
    runUntil(dispatcher, [&] { return recorder.closed == 1; });
  }
  event::Dispatcher dispatcher;
  PlainConnector plain{dispatcher};
  std::shared_ptr<TlsContextSlot> slot = std::make_shared<TlsContextSlot>();
  TlsConnector connector{dispatcher, plain, slot, TlsTarget{"node2", Alpn::kHttp1}};
  ReadBlocks blocks;
  Recorder recorder;
  std::unique_ptr<Connection> connection;
};

}  // namespace peerpulse::net::test
