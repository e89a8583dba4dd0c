// Two connections on one loop over a real loopback socket, and what they were told.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include "peerpulse/net/connection.h"
#include "peerpulse/net/listener.h"
#include "peerpulse/net/plain_transport.h"

namespace peerpulse::net::test {

struct Recorder : ConnectionCallbacks {
  void onTcpConnected() override { ++tcpConnected; }
  void onReady() override {
    ++ready;
    if (whenReady) whenReady();
  }
  void onRead(Slice data) override {
    if (keep) received.append(data.view());
    bytes += data.size();
    if (whenRead) whenRead();
  }
  void onEof() override {
    eof = true;
    if (whenEnded) whenEnded();
  }
  void onWritable() override {
    if (whenWritable) whenWritable();
  }
  void onClosed(const Error& error) override {
    ++closed;
    code = error.code;
    if (whenEnded) whenEnded();
  }
  bool eof = false, keep = true;
  int tcpConnected = 0, ready = 0, closed = 0, code = 0;
  size_t bytes = 0;
  std::string received;
  std::function<void()> whenReady, whenRead, whenEnded, whenWritable;
};

struct Pair {
  Pair() {
    auto socket = ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
    REQUIRE(socket);
    listener = std::move(*socket);
    acceptor = std::make_unique<Acceptor>(dispatcher, *listener, [this](Fd fd) {
      if (onSocket) {
        onSocket(std::move(fd));
        return;
      }
      server =
          Connection::accepted(dispatcher, blocks, PlainTransport::accepted(dispatcher, std::move(fd)), serverSide);
      if (onServer) onServer();
    });
    client = Connection::connectTo(dispatcher, blocks, connector, listener->address(), SocketOptions{}, clientSide);
    guard = dispatcher.createTimer([this] {
      dispatcher.exit();
      FAIL_CHECK("timed out");
    });
    guard->enable(seconds(20));
  }
  event::Dispatcher dispatcher;
  PlainConnector connector{dispatcher};
  ReadBlocks blocks;
  Recorder clientSide, serverSide;
  std::unique_ptr<ListenSocket> listener;
  std::unique_ptr<Acceptor> acceptor;
  std::unique_ptr<Connection> client, server;
  std::unique_ptr<event::Timer> guard;
  std::function<void()> onServer;
  std::function<void(Fd)> onSocket;  // instead of a Connection of the server's
};

inline bool is(const Connection& connection, Connection::State state) { return connection.state() == state; }

inline void sendAll(int fd, const std::string& text) {
  REQUIRE(::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

inline void reset(Fd fd) {
  setResetOnClose(fd.get());
  fd.reset();
}

}  // namespace peerpulse::net::test
