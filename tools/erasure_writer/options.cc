#include "options.h"

#include <algorithm>
#include <map>
#include <set>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "erasure_writer/manifest.h"

namespace peerpulse::erasure_writer {

namespace {

const std::map<std::string, uint64_t> kMillisUnits = {{"ms", 1}, {"s", 1000}, {"m", 60'000}};
const std::map<std::string, Protocol> kProtocols = {{"h1", Protocol::kHttp1}, {"h2", Protocol::kHttp2}};
const char* const kAbout =
    "Stores files on 16 disks as 12+4 Reed-Solomon shards and reads them back, verified.\n"
    "Ends with one line of JSON on stdout. longest_stall_ms is the longest gap between the start, each\n"
    "acknowledged shard request, and the end. Exit 0: every object done; 1: some failed; 2: usage.";

/// What the command line says before it is checked.
struct Raw {
  std::vector<std::string> disks;
  std::string spec;
  std::string filesFrom;
  std::string api;
  std::vector<std::string> nodes;
  uint64_t timeoutMillis = 10'000;
  uint64_t deadlineMillis = 0;
};

auto durationOption() {
  return CLI::AsNumberWithUnit(kMillisUnits, CLI::AsNumberWithUnit::CASE_SENSITIVE, "DURATION");
}

void addCommon(CLI::App& app, Options& options, Raw& raw) {
  app.add_option("--disk", raw.disks, "http://IP:PORT/path of a disk; 16 times, in shard order");
  app.add_option("--spec", raw.spec, "JSON file {\"disks\":[16 URLs]} instead of --disk");
  app.add_option("--manifest", options.manifest, "What is stored where (write: made; read: needed)")->required();
  app.add_option("--protocol", options.client.protocol, "h1 or h2 (prior knowledge)")
      ->transform(CLI::CheckedTransformer(kProtocols))
      ->default_str("h1");
  app.add_option("--parallel", options.settings.parallelObjects, "Objects at a time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--stripes", options.settings.stripeWindow, "Stripes of one object in memory at a time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--timeout", raw.timeoutMillis, "For connecting, and without progress of a request (10s)")
      ->transform(durationOption());
  app.add_option("--deadline", raw.deadlineMillis, "Give up what is not done by then (60s)")
      ->transform(durationOption());
  app.add_option("--max-connections", options.client.maxConnections, "Per peer, h1")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--io-threads", options.ioThreads, "Threads that read and code")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--progress", options.progress, "File for a JSON line every 100 ms");
  app.add_flag("--json", options.json, "Progress lines on stdout");
}

void addWrite(CLI::App& app, Options& options, Raw& raw) {
  app.add_option("files", options.files, "Files to store");
  app.add_option("--files-from", raw.filesFrom, "List of files to store, one a line");
  app.add_option("--block-size", options.settings.blockSize, "Of one shard in a stripe")
      ->transform(CLI::AsSizeValue(true))
      ->check(CLI::Range(1024, 16 * 1024 * 1024))
      ->default_str("512KiB");
  app.add_option("--prefix", options.settings.prefix, "First path segment of the chunks, so that runs do not collide")
      ->check(CLI::Validator(
          [](std::string& text) {
            const bool good = text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
                                return std::isalnum(c) != 0 || c == '-' || c == '_';
                              });
            return good ? std::string() : "a prefix is up to 64 of A-Z a-z 0-9 - _";
          },
          "NAME"));
  app.add_flag("--overwrite", options.settings.overwrite, "Replace chunks that exist");
  app.add_option("--through-api", raw.api,
                 "http://IP:PORT/erasure/SET of peerpulse: chunks of disks on a --node are written by it");
  app.add_option("--node", raw.nodes, "NAME=IP:PORT, repeated: the node of that name, as it is in the disks' URLs");
}

std::vector<std::string> disksOfSpec(const std::string& path) {
  auto text = readSmallFile(path);
  if (!text) throw CLI::ValidationError("--spec", text.error().message);
  const auto spec = nlohmann::json::parse(*text, nullptr, false);
  if (!spec.is_object() || !spec.contains("disks") || !spec["disks"].is_array()) {
    throw CLI::ValidationError("--spec", path + " is not {\"disks\":[...]}");
  }
  std::vector<std::string> disks;
  for (const auto& disk : spec["disks"]) {
    if (!disk.is_string()) throw CLI::ValidationError("--spec", path + ": a disk is not a string");
    disks.push_back(disk.get<std::string>());
  }
  return disks;
}

void resolveDisks(Options& options, const Raw& raw) {
  const std::vector<std::string> urls = raw.spec.empty() ? raw.disks : disksOfSpec(raw.spec);
  if (urls.empty() && options.mode == Mode::kRead) return;
  if (urls.size() != kShards) {
    throw CLI::ValidationError("--disk", "16 disks are needed, not " + std::to_string(urls.size()));
  }
  for (const std::string& text : urls) {
    auto url = DiskUrl::parse(text);
    if (!url) throw CLI::ValidationError("--disk", url.error().message);
    options.disks.push_back(std::move(*url));
  }
}

void resolveApi(Options& options, const Raw& raw) {
  if (raw.api.empty()) return;
  auto set = DiskUrl::parse(raw.api);
  if (!set) throw CLI::ValidationError("--through-api", set.error().message);
  ApiRoute& route = options.settings.api.emplace();
  route.set = std::move(*set);
  for (const std::string& node : raw.nodes) {
    if (auto added = route.addNode(node); !added) throw CLI::ValidationError("--node", added.error().message);
  }
}

void resolveFiles(Options& options, const Raw& raw) {
  if (!raw.filesFrom.empty()) {
    auto list = readSmallFile(raw.filesFrom);
    if (!list) throw CLI::ValidationError("--files-from", list.error().message);
    std::istringstream lines(*list);
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty()) options.files.push_back(line);
    }
  }
  // An object is named after its path: the same one twice would collide with itself.
  std::set<std::string> seen;
  std::erase_if(options.files, [&](const std::string& file) { return !seen.insert(file).second; });
  if (options.files.empty()) throw CLI::ValidationError("files", "nothing to store");
}

}  // namespace

std::optional<Options> parseCommandLine(int argc, char** argv, int& exitCode) {
  Options options;
  Raw raw;
  CLI::App app(kAbout, "erasure_writer");
  app.set_version_flag("--version", PEERPULSE_VERSION);
  app.require_subcommand(1);
  CLI::App* write = app.add_subcommand("write", "Store files");
  CLI::App* read = app.add_subcommand("read", "Read every object of the manifest back and verify it");
  addCommon(*write, options, raw);
  addWrite(*write, options, raw);
  addCommon(*read, options, raw);
  try {
    app.parse(argc, argv);
    options.mode = read->parsed() ? Mode::kRead : Mode::kWrite;
    resolveDisks(options, raw);
    resolveApi(options, raw);
    if (options.mode == Mode::kWrite) resolveFiles(options, raw);
  } catch (const CLI::ParseError& error) {
    exitCode = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  options.settings.timeout = options.client.connectTimeout = milliseconds(raw.timeoutMillis);
  options.deadline = milliseconds(raw.deadlineMillis);
  return options;
}

}  // namespace peerpulse::erasure_writer
