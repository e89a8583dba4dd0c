#include "options.h"

#include <map>
#include <set>

#include <CLI/CLI.hpp>

namespace peerpulse::storage_node {

namespace {

const std::map<std::string, uint64_t> kMillisUnits = {{"ms", 1}, {"s", 1000}, {"m", 60'000}};

// Throws what CLI11 turns into a usage error.
std::vector<std::pair<std::string, std::string>> splitDisks(const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> disks;
  std::set<std::string> names;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
      throw CLI::ValidationError("--disk", "'" + text + "' is not NAME=DIR");
    }
    std::string name = text.substr(0, equals);
    if (!names.insert(name).second) throw CLI::ValidationError("--disk", "the name '" + name + "' is used twice");
    disks.emplace_back(std::move(name), text.substr(equals + 1));
  }
  return disks;
}

}  // namespace

std::optional<Options> parseCommandLine(int argc, char** argv, int& exitCode) {
  Options options;
  std::string listen = "127.0.0.1:9000";
  std::vector<std::string> disks;
  uint64_t drainMillis = 10'000;

  CLI::App app("A chunk server: PUT, GET, HEAD, DELETE /chunks/<disk>/<path> over h1 and h2c on one port.",
               "storage_node");
  app.set_version_flag("--version", PEERPULSE_VERSION);
  app.add_option("--listen", listen, "IP:PORT, [IPV6]:PORT or unix:/path; port 0 lets the system choose")
      ->capture_default_str();
  app.add_option("--disk", disks, "NAME=DIR, repeated: a directory (it must exist) that holds chunks")->required();
  app.add_option("--workers", options.workers, "Event loops")->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--io-threads", options.ioThreads, "Threads for file operations")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_flag("--fsync,!--no-fsync", options.disk.sync, "Acknowledge writes only once they are on the medium")
      ->default_str("true");
  app.add_option("--reserve", options.disk.reserve, "Answer 507 when less than this is free on a disk (10GiB)")
      ->transform(CLI::AsSizeValue(true));
  app.add_option("--max-chunk", options.maxChunkSize, "Largest chunk taken")->transform(CLI::AsSizeValue(true));
  app.add_option("--drain-timeout", drainMillis, "Time for requests under way after SIGTERM (10s)")
      ->transform(CLI::AsNumberWithUnit(kMillisUnits, CLI::AsNumberWithUnit::CASE_SENSITIVE, "DURATION"));
  auto* certificate =
      app.add_option("--certificate", options.tls.certificateFile, "Speak TLS: its certificate and chain (PEM)");
  app.add_option("--key", options.tls.keyFile, "Its private key (PEM), if it is not in the same file")
      ->needs(certificate);
  try {
    app.parse(argc, argv);
    options.disks = splitDisks(disks);
    auto address = SocketAddress::parse(listen);
    if (!address) throw CLI::ValidationError("--listen", address.error().message);
    options.listen = *address;
  } catch (const CLI::ParseError& error) {
    exitCode = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  options.drainTimeout = milliseconds(drainMillis);
  return options;
}

}  // namespace peerpulse::storage_node
