// origin: see --help. The first line of its output says where it listens.

#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "acceptor.h"
#include "served_connection.h"

int main(int argc, char** argv) {
  using namespace peerpulse;  // NOLINT(google-build-using-namespace)
  std::string listen;
  CLI::App app(
      "The server behind the proxies that are measured, HTTP/1.1 and HTTP/2 (prior knowledge) on one port, from "
      "memory:\n"
      "GET /bytes/N has a body of N bytes, PUT /bytes/N takes one and answers 200 once it has read all N bytes.",
      "origin");
  app.add_option("listen", listen, "IP:PORT; port 0 lets the system choose")->required();
  CLI11_PARSE(app, argc, argv);

  const auto fail = [](const Error& error) {
    std::fprintf(stderr, "origin: %s\n", error.message.c_str());
    return 1;
  };
  const auto address = SocketAddress::parse(listen);
  if (!address) return fail(address.error());
  auto loop = bench::EpollLoop::create();
  if (!loop) return fail(loop.error());

  const bench::ReplyMaker replies;
  const auto buffer = std::make_unique<bench::ReadBuffer>();
  auto acceptor = bench::Acceptor::open(**loop, *address, [&](Fd socket) {
    bench::ServedConnection::start(**loop, *buffer, replies, std::move(socket));
  });
  if (!acceptor) return fail(acceptor.error());
  std::printf("listening %s\n", (*acceptor)->address().toString().c_str());
  std::fflush(stdout);
  return fail((*loop)->run());
}
