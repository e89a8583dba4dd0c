// inflight_client: see --help. Prints lines of JSON; the last one of `hold` and `steady` is the report.

#include <cstdio>
#include <map>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "common/json_line.h"
#include "hanging_server.h"
#include "held_exchanges.h"
#include "steady_exchanges.h"

namespace {

using namespace peerpulse;  // NOLINT(google-build-using-namespace)
using erasure_writer::Protocol;

const std::map<std::string, Protocol> kProtocols = {{"h1", Protocol::kHttp1}, {"h2", Protocol::kHttp2}};

struct CommandLine {
  std::string address;
  bench::HeldExchanges::Options hold;
  bench::SteadyExchanges::Options steady;
  unsigned timeoutSeconds = 60;
};

int fail(const Error& error) {
  std::fprintf(stderr, "inflight_client: %s\n", error.message.c_str());
  return 1;
}

// Every exchange may have a socket of its own. Failing is harmless: then there are fewer.
void raiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int serve(const SocketAddress& address) {
  bench::ClientLoop loop;
  if (auto watching = loop.watchSignals([&loop] { loop.dispatcher().exit(); }); !watching) {
    return fail(watching.error());
  }
  auto socket = net::ListenSocket::open(address, 4096);
  if (!socket) return fail(socket.error());
  const bench::HangingServer server(loop, **socket);
  tools::writeJsonLine(STDOUT_FILENO,
                       {{"event", "listening"}, {"address", net::localAddress((*socket)->fd()).toString()}});
  loop.dispatcher().run();
  return 0;
}

template <typename Exchanges>
int runExchanges(const typename Exchanges::Options& options) {
  bench::ClientLoop loop;
  Exchanges exchanges(loop, options);
  if (auto watching = loop.watchSignals([&exchanges] { exchanges.stop(); }); !watching) {
    return fail(watching.error());
  }
  exchanges.start();
  loop.dispatcher().run();
  return tools::writeJsonLine(STDOUT_FILENO, exchanges.report()) ? 0 : 1;
}

template <typename Options>
void addCommon(CLI::App& command, CommandLine& line, Options& options) {
  command.add_option("target", line.address, "IP:PORT or unix:/path")->required();
  command.add_option("--path", options.path)->capture_default_str();
  command.add_option("--protocol", options.protocol, "h1 or h2 (prior knowledge)")
      ->transform(CLI::CheckedTransformer(kProtocols))
      ->default_str("h1");
  command.add_option("--connections", options.connections, "Connections (hold with h1: one per exchange)")
      ->check(CLI::Range(1, 20'000))
      ->capture_default_str();
  command.add_option("--timeout", line.timeoutSeconds, "Seconds without progress of an exchange")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  CLI::App app(
      "The ends of the in-flight bench: a client that holds exchanges and one that makes them steadily,\n"
      "both noting CLOCK_MONOTONIC times, and the peer they talk to.",
      "inflight_client");
  app.require_subcommand(1);
  CLI::App* server = app.add_subcommand("serve", "Takes requests, answers only /ok and /held");
  CLI::App* hold = app.add_subcommand("hold", "Exchanges at the same time, until each has failed");
  CLI::App* steady = app.add_subcommand("steady", "Small exchanges at a fixed rate, until SIGTERM");
  server->add_option("address", line.address, "IP:PORT; port 0 lets the system choose")->required();
  addCommon(*hold, line, line.hold);
  hold->add_option("--exchanges", line.hold.exchanges)->check(CLI::Range(1, 20'000))->capture_default_str();
  addCommon(*steady, line, line.steady);
  steady->add_option("--rate", line.steady.perSecond, "Exchanges per second")
      ->check(CLI::Range(1, 50'000))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const auto address = SocketAddress::parse(line.address);
  if (!address) return fail(address.error());
  raiseDescriptorLimit();
  if (server->parsed()) return serve(*address);
  line.hold.target = line.steady.target = *address;
  line.hold.timeout = line.steady.timeout = seconds(line.timeoutSeconds);
  if (line.hold.protocol == Protocol::kHttp1) line.hold.connections = line.hold.exchanges;
  line.hold.connections = std::min(line.hold.connections, line.hold.exchanges);
  return hold->parsed() ? runExchanges<bench::HeldExchanges>(line.hold)
                        : runExchanges<bench::SteadyExchanges>(line.steady);
}
