// relay: see --help. The first line of its output says where it listens.

#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

#include "acceptor.h"
#include "relayed_connection.h"

int main(int argc, char** argv) {
  using namespace peerpulse;  // NOLINT(google-build-using-namespace)
  std::string listen;
  std::string target;
  CLI::App app(
      "Carries bytes between its clients and one target, a connection for each of theirs, and does nothing else:\n"
      "what a proxy on this machine costs at the least.",
      "relay");
  app.add_option("listen", listen, "IP:PORT; port 0 lets the system choose")->required();
  app.add_option("target", target, "IP:PORT")->required();
  CLI11_PARSE(app, argc, argv);

  const auto fail = [](const Error& error) {
    std::fprintf(stderr, "relay: %s\n", error.message.c_str());
    return 1;
  };
  const auto listenAddress = SocketAddress::parse(listen);
  if (!listenAddress) return fail(listenAddress.error());
  const auto targetAddress = SocketAddress::parse(target);
  if (!targetAddress) return fail(targetAddress.error());
  auto loop = bench::EpollLoop::create();
  if (!loop) return fail(loop.error());

  bench::BlockPool blocks;
  auto acceptor = bench::Acceptor::open(**loop, *listenAddress, [&](Fd client) {
    bench::RelayedConnection::start(**loop, blocks, std::move(client), *targetAddress);
  });
  if (!acceptor) return fail(acceptor.error());
  std::printf("listening %s\n", (*acceptor)->address().toString().c_str());
  std::fflush(stdout);
  return fail((*loop)->run());
}
