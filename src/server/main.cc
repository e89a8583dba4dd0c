// peerpulse: the command line. Exit status of `run` and `check`: 0 ended by a signal or nothing to complain of, 1 could
// not start, 2 wrong usage or configuration; of the others: peerpulse/cli/commands.h.
#include <iostream>

#include <CLI/CLI.hpp>

#include "allocator.h"
#include "peerpulse/cli/commands.h"
#include "peerpulse/cli/recipe_command.h"
#include "peerpulse/config/config.h"
#include "preflight.h"
#include "server.h"
#include "signals.h"

namespace {

using namespace peerpulse;

constexpr int kExitCannotRun = 1;
constexpr int kExitBadInput = 2;

int check(const std::string& path) {
  auto config = config::load(path, config::processEnvironment());
  if (!config) {
    std::cerr << config.error().message << "\n";
    return kExitBadInput;
  }
  for (const config::Warning& warning : config->warnings)
    std::cout << "warning: " << warning.where << ": " << warning.text << "\n";
  bool runs = true;
  for (const server::Finding& finding : server::preflight(*config)) {
    (finding.fatal ? std::cerr : std::cout)
        << (finding.fatal ? path + ": " : "note: ") << finding.pointer << ": " << finding.text << "\n";
    runs = runs && !finding.fatal;
  }
  if (!runs) return kExitBadInput;
  std::cout << path << ": ok, " << config->proxy.peers.size() - (config->link.serves() ? 1 : 0) << " peers\n";
  for (const std::string& note : config::nameNotes(*config))
    std::cout << note << "\n";
  for (const std::string& note : config::linkNotes(*config))
    std::cout << note << "\n";
  for (const std::string& note : config::guardNotes(*config))
    std::cout << note << "\n";
  for (const std::string& note : config::transparentNotes(*config))
    std::cout << note << "\n";
  return 0;
}

int run(const std::string& path) {
  if (auto blocked = server::Signals::block(); !blocked) {
    std::cerr << "peerpulse: cannot start: " << blocked.error().message << "\n";
    return kExitCannotRun;
  }
  auto config = config::load(path, config::processEnvironment());
  if (!config) {
    std::cerr << config.error().message << "\n";
    return kExitBadInput;
  }
  (void)server::keepFreeMemory();  // without it the same work costs more
  server::Server server(std::move(*config));
  if (auto done = server.run(); !done) {
    std::cerr << "peerpulse: cannot start: " << done.error().message << "\n";
    return kExitCannotRun;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("peerpulse: a sidecar proxy that fails requests to dead storage peers in milliseconds", "peerpulse");
  app.set_version_flag("--version", std::string("peerpulse ") + PEERPULSE_VERSION);
  app.require_subcommand(1);
  std::string path;
  CLI::App* runCommand = app.add_subcommand("run", "Run the proxy until SIGTERM or SIGINT");
  runCommand->add_option("--config", path, "Configuration file (JSON)")->required();
  CLI::App* checkCommand = app.add_subcommand("check", "Check a configuration file and say what is wrong with it");
  checkCommand->add_option("--config", path, "Configuration file (JSON)")->required();
  const cli::RecipeCommand recipe(app);
  cli::Commands commands(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitBadInput;
  }
  if (const auto status = recipe.run()) return *status;
  if (const auto status = commands.run()) return *status;
  return runCommand->parsed() ? run(path) : check(path);
}
