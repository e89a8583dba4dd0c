// Goal: TLS carries what a socket carries, ends as a socket ends, and says by name what is wrong. The other end is ours, or
// OpenSSL's own on a thread of its own.
#include <csignal>

#include "tls_fixture.h"

using namespace peerpulse;
using namespace peerpulse::net;
using namespace peerpulse::net::test;

namespace {

using State = Connection::State;

std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i)
    text[i] = static_cast<char>((i * 2654435761u) >> 13);
  return text;
}

void put(SSL* ssl, const std::string& text) { CHECK(SSL_write(ssl, text.data(), static_cast<int>(text.size())) > 0); }

/// What the other end's connection is when it has gone for good.
void drain(int fd) {
  char block[4096];
  while (::recv(fd, block, sizeof block, 0) > 0) {
  }
}

}  // namespace

TEST_CASE("tls transport: both sides agree, and say upon what") {
  const Files files;
  TlsPair pair(files);
  pair.clientOptions.serverName = "node2";
  pair.connect(Alpn::kHttp2);
  CHECK(pair.client->connecting());
  pair.untilReady();
  for (const auto* side : {pair.client.get(), pair.server.get()}) {
    REQUIRE(side->tls() != nullptr);
    CHECK(side->tls()->version == "TLSv1.3");
    CHECK(side->tls()->alpn == "h2");
    CHECK_FALSE(side->tls()->resumed);
  }
  CHECK(pair.client->tls()->peerNotAfter.has_value());
  CHECK_FALSE(pair.server->tls()->peerNotAfter.has_value());
}

TEST_CASE("tls transport: bytes of both directions arrive whole, whatever their pieces") {
  const Files files;
  TlsPair pair(files);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    pair.maxVersion = version;
    pair.connect();
    pair.untilReady();
    const std::string up = pattern(3'000'001);
    const std::string down = pattern(2'000'003);
    size_t at = 0;
    const auto feed = [&] {  // in pieces from one byte to more than a record
      while (at < up.size() && pair.client->output().size() < Connection::kOutputLimit) {
        const size_t size = std::min(up.size() - at, 1 + at % 40'000);
        pair.client->output().append(std::string_view(up).substr(at, size));
        at += size;
      }
      pair.client->flush();
    };
    pair.clientSide.whenWritable = feed;
    pair.server->output().append(down);
    pair.server->flush();
    feed();
    pair.until([&] {
      feed();
      return pair.serverSide.received.size() == up.size() && pair.clientSide.received.size() == down.size();
    });
    CHECK(pair.serverSide.received == up);
    CHECK(pair.clientSide.received == down);
    pair.client->close();
    pair.server->close();
    pair.clientSide = pair.serverSide = Recorder();
  }
}

TEST_CASE("tls transport: what was decrypted and not asked for is read when reading goes on") {
  const Files files;
  TlsPair pair(files);
  pair.connect();
  pair.untilReady();
  bool stopped = false;
  pair.clientSide.whenRead = [&] {
    if (std::exchange(stopped, true)) return;
    pair.client->setReadEnabled(false);
  };
  pair.server->output().append(pattern(200'000));
  pair.server->flush();
  pair.until([&] { return stopped && pair.server->output().empty(); });
  const size_t before = pair.clientSide.bytes;
  CHECK(before < 200'000);
  pair.client->setReadEnabled(true);
  pair.until([&] { return pair.clientSide.bytes == 200'000; });
}

TEST_CASE("tls transport: each direction ends on its own, by close_notify") {
  const Files files;
  TlsPair pair(files);
  pair.connect();
  pair.untilReady();
  pair.client->output().append("the request");
  pair.client->flush();
  pair.client->endOutput();
  pair.until([&] { return pair.serverSide.eof; });
  CHECK(pair.serverSide.received == "the request");
  CHECK(is(*pair.server, State::kRemoteEnded));
  pair.server->output().append("the answer");
  pair.server->flush();
  pair.server->endOutput();
  pair.until([&] { return pair.clientSide.closed == 1; });
  CHECK(pair.clientSide.received == "the answer");
  CHECK(pair.clientSide.code == 0);
}

TEST_CASE("tls transport: the end waits until the kernel takes it") {
  const Files files;
  TlsPair pair(files);
  pair.connect();
  pair.untilReady();
  pair.server->setReadEnabled(false);
  const std::string text = pattern(8'000'000);
  pair.client->output().append(text);
  pair.client->flush();
  pair.client->endOutput();
  CHECK_FALSE(pair.client->output().empty());
  pair.server->setReadEnabled(true);
  pair.until([&] { return pair.serverSide.eof; });
  CHECK(pair.serverSide.received == text);
}

TEST_CASE("tls transport: a direction that ends without close_notify was cut") {
  const Files files;
  ForeignServer server(files, [](SSL* ssl, int) { put(ssl, "half of "); });  // and the socket is closed
  ForeignTalk talk(files, server);
  talk.untilClosed();
  CHECK(talk.recorder.received == "half of ");
  CHECK_FALSE(talk.recorder.eof);
  CHECK(talk.recorder.code == codeOf(TlsFailure::kTruncated));
}

TEST_CASE("tls transport: a session is resumed") {
  const Files files;
  TlsPair pair(files);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    pair.maxVersion = version;
    pair.connect();
    for (const bool resumed : {false, true, true}) {
      pair.untilReady();
      CHECK(pair.client->tls()->resumed == resumed);
      CHECK(pair.client->tls()->peerNotAfter.has_value());
      pair.server->output().append("x");  // behind the tickets
      pair.server->flush();
      pair.until([&] { return pair.clientSide.bytes == 1; });
      pair.client->close();
      pair.server->close();
      pair.clientSide = pair.serverSide = Recorder();
      pair.again();
    }
    pair.untilReady();
    pair.clientSide = pair.serverSide = Recorder();
  }
}

TEST_CASE("tls transport: tickets and key updates are nothing to read") {
  const Files files;
  TlsPair pair(files);
  pair.connect();
  pair.untilReady();
  // The tickets came with the server's side of the handshake, and nobody has asked the loop since.
  CHECK_FALSE(pair.client->readableNow());
  pair.server->output().append("x");
  pair.server->flush();
  pair.until([&] { return pair.client->readableNow() || pair.clientSide.bytes > 0; });
  pair.until([&] { return pair.clientSide.bytes == 1; });
  CHECK(pair.clientSide.closed == 0);
}

TEST_CASE("tls transport: key updates change keys, and answers to them go out") {
  const Files files;
  ForeignServer server(files, [](SSL* ssl, int fd) {
    for (int i = 0; i < 100; ++i) {
      CHECK(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
      put(ssl, "x");
      char echo = 0;
      CHECK(SSL_read(ssl, &echo, 1) == 1);
    }
    SSL_shutdown(ssl);
    drain(fd);
  });
  ForeignTalk talk(files, server);
  talk.recorder.whenRead = [&] {
    talk.connection->output().append("y");
    talk.connection->flush();
  };
  runUntil(talk.dispatcher, [&] { return talk.recorder.eof; });
  CHECK(talk.recorder.bytes == 100);
  talk.connection->close();
}

TEST_CASE("tls transport: a flood of key updates is the end of the connection") {
  const Files files;
  ForeignServer server(files, [](SSL* ssl, int) {
    for (int i = 0; i < 100'000; ++i) {
      if (SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 || SSL_do_handshake(ssl) != 1) return;
    }
    FAIL_CHECK("was not stopped");
  });
  ForeignTalk talk(files, server);
  talk.untilClosed();
  CHECK(talk.recorder.code == codeOf(TlsFailure::kProtocol));
}

TEST_CASE("tls transport: renegotiation is refused") {
  const Files files;
  bool refused = false;
  {
    ForeignServer server(
        files,
        [&](SSL* ssl, int) {
          CHECK(SSL_renegotiate(ssl) == 1);
          refused = SSL_do_handshake(ssl) != 1 || [&] {
            put(ssl, "x");
            char echo = 0;
            return SSL_read(ssl, &echo, 1) != 1;
          }();
        },
        [](SSL_CTX* context) { SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); });
    ForeignTalk talk(files, server);
    talk.untilClosed();
  }
  CHECK(refused);
}

TEST_CASE("tls transport: an alert ends the connection by its name") {
  const Files files;
  ForeignServer server(files, [](SSL* ssl, int) {
    put(ssl, "half of ");
    // A record that no key opens: what a broken server sends.
    const char garbage[] =
        "\x17\x03\x03\x00\x20"
        "0123456789abcdef0123456789abcdef";
    CHECK(::send(SSL_get_fd(ssl), garbage, sizeof garbage - 1, MSG_NOSIGNAL) > 0);
    drain(SSL_get_fd(ssl));
  });
  ForeignTalk talk(files, server);
  talk.untilClosed();
  CHECK(talk.recorder.received == "half of ");
  CHECK(talk.recorder.code == codeOf(TlsFailure::kProtocol));
}

TEST_CASE("tls transport: the server's certificate is looked at as the options say") {
  Files files;
  struct Case {
    const char* names;
    const char* wanted;  // "": the address
    TlsVerify verify;
    bool accepted;
  };
  const Case cases[] = {
      {"DNS:node2", "node2", TlsVerify::kFull, true},      {"DNS:node3", "node2", TlsVerify::kFull, false},
      {"DNS:node3", "node2", TlsVerify::kChain, true},     {"IP:127.0.0.1", "", TlsVerify::kFull, true},
      {"IP:127.0.0.2", "", TlsVerify::kFull, false},       {"DNS:*.a.b", "x.a.b", TlsVerify::kFull, true},
      {"DNS:node2", "127.0.0.1", TlsVerify::kFull, false}, {"DNS:node2", "", TlsVerify::kNone, true},
  };
  for (const Case& each : cases) {
    CAPTURE(each.names);
    CAPTURE(each.wanted);
    TlsPair pair(files);
    pair.serverOptions = files.server(each.names);
    pair.clientOptions.serverName = each.wanted;
    pair.clientOptions.verify = each.verify;
    pair.connect();
    pair.until([&] { return pair.clientSide.ready + pair.clientSide.closed == 1; });
    CHECK(pair.clientSide.ready == (each.accepted ? 1 : 0));
    if (!each.accepted) CHECK(pair.clientSide.code == codeOf(TlsFailure::kCertificate));
  }
}

TEST_CASE("tls transport: a certificate of another authority, or one that has expired, is not accepted") {
  const Files files;
  const Authority stranger;
  const Certificate theirs = stranger.issue("DNS:node2,IP:127.0.0.1");
  const Certificate old = files.authority.issue("DNS:node2,IP:127.0.0.1", -60);
  for (const Certificate& each : {theirs, old}) {
    TlsPair pair(files);
    pair.serverOptions.certificateFile = files.directory.put("bad.pem", each.chain + each.key);
    pair.connect();
    pair.until([&] { return pair.clientSide.closed == 1; });
    CHECK(pair.clientSide.code == codeOf(TlsFailure::kCertificate));
    pair.until([&] { return pair.serverSide.closed == 1; });
    CHECK(pair.serverSide.code == codeOf(TlsFailure::kIdentity));  // what the client's alert says
  }
}

TEST_CASE("tls transport: a client must show a certificate where one is required, and the right one") {
  const Files files;
  const Authority stranger;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const ClientCertificate asked : {ClientCertificate::kOptional, ClientCertificate::kRequired}) {
      for (const char* shown : {"none", "ours", "strangers"}) {
        CAPTURE(shown);
        TlsPair pair(files);
        pair.serverOptions.clientCaFile = files.directory.file("ca.pem");
        pair.serverOptions.clientCertificate = asked;
        pair.maxVersion = version;
        if (shown != std::string("none")) {
          const Authority& from = shown == std::string("ours") ? files.authority : stranger;
          pair.clientOptions.certificateFile = files.identity(from, "client");
        }
        const bool good =
            shown == std::string("ours") || (shown == std::string("none") && asked == ClientCertificate::kOptional);
        pair.connect();
        pair.until([&] { return pair.serverSide.ready + pair.serverSide.closed == 1; });
        CHECK(pair.serverSide.ready == (good ? 1 : 0));
        if (good) continue;
        CHECK(pair.serverSide.code == codeOf(TlsFailure::kCertificate));
        pair.until([&] { return pair.clientSide.closed == 1; });
        CHECK(pair.clientSide.code == codeOf(TlsFailure::kIdentity));
      }
    }
  }
}

TEST_CASE("tls transport: the certificate is chosen by the name that the client asks for") {
  const Files files;
  TlsPair pair(files);
  pair.serverOptions = files.server("DNS:node2");
  const Certificate other = files.authority.issue("DNS:node3");
  pair.serverOptions.sniCertificates = {files.directory.put("node3.pem", other.chain + other.key)};
  for (const char* name : {"node2", "node3"}) {
    CAPTURE(name);
    pair.clientOptions.serverName = name;
    pair.clientSide = pair.serverSide = Recorder();
    pair.connect();
    pair.until([&] { return pair.clientSide.ready + pair.clientSide.closed == 1; });
    CHECK(pair.clientSide.ready == 1);
  }
}

TEST_CASE("tls transport: a server that does not choose HTTP/2 speaks none") {
  const Files files;
  ForeignServer server(files, [](SSL* ssl, int fd) { drain(fd); });
  ForeignTalk talk(files, server);
  TlsConnector http2(talk.dispatcher, talk.plain, talk.slot, TlsTarget{"node2", Alpn::kHttp2});
  talk.connection->close();
  talk.recorder = Recorder();
  ForeignServer another(files, [](SSL* ssl, int fd) { drain(fd); });
  talk.connection =
      Connection::connectTo(talk.dispatcher, talk.blocks, http2, another.address(), SocketOptions{}, talk.recorder);
  talk.untilClosed();
  CHECK(talk.recorder.ready == 0);
  CHECK(talk.recorder.code == codeOf(TlsFailure::kNoHttp2));
}

TEST_CASE("tls transport: plain text where TLS is spoken has its name, on both sides") {
  const Files files;
  TlsPair pair(files);
  SUBCASE("a client that speaks HTTP gets an answer that it can read") {
    pair.connect();
    pair.client->close();
    Recorder plainSide;
    auto plain = Connection::connectTo(pair.dispatcher, pair.blocks, pair.plain, pair.listener->address(),
                                       SocketOptions{}, plainSide);
    plainSide.whenReady = [&] {
      plain->output().append("GET / HTTP/1.1\r\nHost: node2\r\n\r\n");
      plain->flush();
    };
    pair.until([&] { return plainSide.eof || plainSide.closed > 0; });
    CHECK(plainSide.received.starts_with("HTTP/1.1 400 "));
    CHECK(plainSide.received.ends_with("use https://, not http\n"));
    const size_t body = plainSide.received.find("\r\n\r\n") + 4;
    CHECK(plainSide.received.find("content-length: " + std::to_string(plainSide.received.size() - body)) !=
          std::string::npos);
    pair.until([&] { return pair.serverSide.closed == 1; });
    CHECK(pair.serverSide.code == codeOf(TlsFailure::kPlainText));
  }
  SUBCASE("a server that answers in HTTP") {
    pair.connect();
    pair.client->close();
    auto socket = ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
    REQUIRE(socket);
    std::unique_ptr<Connection> served;
    Recorder serving;
    Acceptor acceptor(pair.dispatcher, **socket, [&](Fd fd) {
      served = Connection::accepted(pair.dispatcher, pair.blocks,
                                    PlainTransport::accepted(pair.dispatcher, std::move(fd)), serving);
    });
    serving.whenRead = [&] {
      served->output().append("HTTP/1.1 400 Bad Request\r\n\r\n");
      served->flush();
    };
    pair.clientSide = Recorder();
    pair.client = Connection::connectTo(pair.dispatcher, pair.blocks, *pair.connector, (*socket)->address(),
                                        SocketOptions{}, pair.clientSide);
    pair.until([&] { return pair.clientSide.closed == 1; });
    CHECK(pair.clientSide.code == codeOf(TlsFailure::kPlainText));
  }
}

TEST_CASE("tls transport: a remote side that goes away in the handshake is a broken connection") {
  const Files files;
  TlsPair pair(files);
  pair.connect();
  pair.client->close();
  auto socket = ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
  REQUIRE(socket);
  Acceptor acceptor(pair.dispatcher, **socket, [&](Fd fd) { fd.reset(); });
  pair.clientSide = Recorder();
  pair.client = Connection::connectTo(pair.dispatcher, pair.blocks, *pair.connector, (*socket)->address(),
                                      SocketOptions{}, pair.clientSide);
  pair.until([&] { return pair.clientSide.closed == 1; });
  CHECK(pair.clientSide.code == ECONNRESET);
}

TEST_CASE("tls transport: who left a connection is not written to any more") {
  const Files files;
  TlsPair pair(files);
  pair.connect();
  pair.untilReady();
  pair.client->abort();
  pair.until([&] { return pair.serverSide.closed == 1; });
  CHECK(pair.serverSide.code == ECONNRESET);
  CHECK_FALSE(pair.serverSide.eof);
}
