#include "peerpulse/cli/commands.h"

#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "command.h"

namespace peerpulse::cli {

namespace {

constexpr int kMostNumber = 1'000'000'000;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

class Commands::Impl {
 public:
  explicit Impl(CLI::App& app) {
    add(app, "status", "One screen: this host, the quorum, who is down, why and since when",
        [this](const AdminClient& admin) { return statusCommand(admin, terminal()); });

    CLI::App* peers = add(app, "peers", "All peers as a table, or one in detail",
                          [this](const AdminClient& admin) { return peersCommand(admin, peer_, terminal()); });
    peers->add_option("peer", peer_, "Name of a peer");

    CLI::App* events = add(app, "events", "What happened, one line each",
                           [this](const AdminClient& admin) { return eventsCommand(admin, events_, terminal()); });
    events->add_flag("--follow,-f", events_.follow, "Go on with what happens from now on");
    events->add_option("--since", events_.since, "Not before: a duration before now (10m) or an RFC 3339 time");

    CLI::App* diagnosis = add(
        app, "diagnose", "Knocks at a peer in every way, and says what is wrong with it and what to do",
        [this](const AdminClient& admin) { return diagnoseCommand(admin, peer_, where_.configFile, terminal()); });
    diagnosis->add_option("peer", peer_, "Name of a peer, or an address IP:PORT")->required();

    CLI::App* doctor = add(
        app, "doctor", "Looks at this host for what keeps peerpulse from helping",
        [this](const AdminClient& admin) { return doctorCommand(admin, doctor_, where_.configFile, terminal()); });
    doctor->add_option("--store-pid", doctor_.storePid, "The storage process; without it, who is connected to us")
        ->check(CLI::Range(1, kMostNumber));
    doctor->add_flag("--all", doctor_.all, "Show what is well, too");

    CLI::App* top = add(app, "top", "The peers and their traffic, live on a terminal",
                        [this](const AdminClient& admin) { return topCommand(admin, top_, terminal()); });
    top->add_option("--interval", top_.interval, "Between two looks (1s)");
    top->add_option("--count", top_.count, "End after so many")->check(CLI::Range(1, kMostNumber));

    CLI::App* order = add(app, "override", "Hold a peer's circuit open or closed, or let its verdict decide again",
                          [this](const AdminClient& admin) { return overrideCommand(admin, order_, terminal()); });
    order->add_option("peer", order_.peer, "Name of a peer")->required();
    order
        ->add_option("state", order_.state,
                     "open: its requests fail at once; closed: they flow; auto: as its verdict says")
        ->required()
        ->check(CLI::IsMember({"open", "closed", "auto"}));
    order->add_option("--ttl", order_.ttl, "For so long (10m); without it, until `auto`");
    order->add_option("--why", order_.why, "For the log and whoever looks next");
    order->add_option("--token-file", order_.tokenFile, "With the admin's token, if it is another host's");
  }

  std::optional<int> run() {
    for (const auto& [command, body] : commands_) {
      if (command->parsed()) return ask(body);
    }
    return std::nullopt;
  }

 private:
  using Body = std::function<int(const AdminClient&)>;

  CLI::App* add(CLI::App& app, const std::string& name, const std::string& about, Body body) {
    CLI::App* command = app.add_subcommand(name, about);
    command->add_option("--admin", where_.address,
                        "Where the admin listens: IP:PORT or unix:/path (or PEERPULSE_ADMIN)");
    command->add_option("--config", where_.configFile, "A configuration file, whose admin.listen is asked");
    command->add_flag("--json", json_, "Print JSON, for programs");
    commands_.emplace_back(command, std::move(body));
    return command;
  }
  int ask(const Body& body) {
    where_.environment = environment("PEERPULSE_ADMIN");
    const auto address = adminAddress(where_);
    if (!address) {
      terminal().complain(address.error().message);
      return kExitUsage;
    }
    return body(AdminClient(*address));
  }
  Terminal terminal() const { return {std::cout, std::cerr, json_}; }

  std::vector<std::pair<CLI::App*, Body>> commands_;
  AdminWhere where_;
  bool json_ = false;
  std::string peer_;
  EventsQuery events_;
  OverrideOrder order_;
  TopOrder top_;
  DoctorOrder doctor_;
};

Commands::Commands(CLI::App& app) : impl_(std::make_unique<Impl>(app)) {}
Commands::~Commands() = default;

std::optional<int> Commands::run() { return impl_->run(); }

}  // namespace peerpulse::cli
