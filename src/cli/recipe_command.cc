#include "peerpulse/cli/recipe_command.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <system_error>

#include <CLI/CLI.hpp>

#include "admin_client.h"
#include "any_ip.h"
#include "json_field.h"
#include "peerpulse/recipe/hosts_file.h"
#include "peerpulse/recipe/installation.h"
#include "peerpulse/recipe/plan.h"
#include "peerpulse/recipe/socket_table.h"
#include "peerpulse/recipe/verification.h"
#include "store_settings.h"
#include "text.h"

namespace peerpulse::cli {

namespace {

using recipe::Plan;
using recipe::Running;
using recipe::Store;

constexpr int kFailed = 1;
constexpr int kBadInput = 2;
constexpr std::array kStores = {Store::kRustfs, Store::kMinio, Store::kSwift};
constexpr const char* kAgain = "the same command with --apply again: now that peerpulse listens it turns the names";

int failed(const Error& error, int status = kFailed) {
  std::cerr << "peerpulse recipe: " << printable(error.message) << "\n";
  return status;
}

/// "" where it is that of this process after all: there things run.
std::string treeOf(const std::string& root) {
  std::error_code error;
  return !root.empty() && std::filesystem::equivalent(root, "/", error) && !error ? "" : root;
}

/// What the store's environment file sets, and something else on this host too.
void warnOfSettings(Plan& plan, const std::string& root) {
  const HostFiles files(root);
  for (const recipe::OwnFile& own : plan.files) {
    if (own.path != recipe::kEnvironmentPath) continue;
    std::vector<std::string> variables;
    for (StoreSetting& setting : settingsIn(own.path, own.content))
      variables.push_back(std::move(setting.variable));
    for (const StoreSetting& setting : findStoreSettings(files, toString(plan.store), variables)) {
      plan.cautions.push_back(setting.variable + " is set in " + printable(setting.file) + ", line " +
                              std::to_string(setting.line) +
                              ", too: of the two, what systemd reads last counts and the other is "
                              "lost; put what both say into one");
    }
  }
}

void printNumbered(const std::vector<std::string>& steps) {
  for (size_t i = 0; i < steps.size(); ++i)
    std::cout << "  " << i + 1 << ". " << steps[i] << "\n";
}

/// `first`: what comes before the plan's own steps.
void printSteps(const Plan& plan, std::vector<std::string> first) {
  std::cout << "\nLeft to do, in this order:\n";
  first.insert(first.end(), plan.steps.begin(), plan.steps.end());
  printNumbered(first);
  std::cout << "\nMind:\n";
  for (const std::string& caution : plan.cautions)
    std::cout << "  - " << caution << "\n";
}

std::vector<std::string> untilNamesTurn(const Plan& plan) {
  std::vector<std::string> steps = plan.start;
  steps.emplace_back(kAgain);
  return steps;
}

void print(const Plan& plan) {
  std::cout << "# /etc/hosts: at the end; other lines that name these hosts are switched off\n"
            << recipe::withHosts("", plan.hosts);
  for (const recipe::OwnFile& file : plan.files)
    std::cout << "\n# " << file.path << "\n" << file.content;
  for (const recipe::OwnLink& link : plan.links)
    std::cout << "\n# " << link.path << " -> " << link.target << "\n";
  std::vector<std::string> steps = untilNamesTurn(plan);
  steps.insert(steps.begin(),
               "the same command with --apply puts the files in their places; names do not turn before peerpulse "
               "listens. --undo takes all away");
  printSteps(plan, std::move(steps));
}

void print(const std::vector<std::string>& changes, const char* none) {
  for (const std::string& change : changes)
    std::cout << change << "\n";
  if (changes.empty()) std::cout << none << "\n";
}

/// Names that lead to listeners would lead to the store itself.
Result<void> refuseWildcards(const Plan& plan) {
  const recipe::SocketTable table = recipe::SocketTable::read();
  for (const recipe::Path& path : plan.paths) {
    const std::string port = path.listen.substr(path.listen.rfind(':') + 1);
    if (table.wildcardAt(port) == nullptr) continue;
    return Error{"somebody listens on every address at port " + port +
                 " and would answer for this host's peers: bind the store to this node's own address first"};
  }
  return {};
}

Result<Running> askWhatRuns(const std::string& admin) {
  const char* environment = std::getenv("PEERPULSE_ADMIN");
  const auto address = adminAddress({.address = admin, .environment = environment != nullptr ? environment : ""});
  if (!address) return address.error();
  const auto answer = AdminClient(*address).peers();
  Running running;
  if (!answer) {
    running.noAnswer = printable(answer.error().message);
    return running;
  }
  const Json* peers = at(answer->json, "/peers");
  if (peers == nullptr || !peers->is_array()) {
    running.noAnswer = "what answers at " + address->toString() + " is no admin of peerpulse";
    return running;
  }
  for (const Json& peer : *peers) {
    if (textAt(peer, "/role") == "store") continue;  // this node's own: nobody has its name
    const auto text = [&](const char* pointer) { return printable(textAt(peer, pointer)); };
    running.peers.push_back(
        {text("/name"), text("/listen"), text("/address"), text("/verdict"), text("/circuit") == "open"});
  }
  return running;
}

/// In another root nothing runs: no route, and no store whose names must wait.
int install(const Plan& plan, const std::string& root, const std::string& admin) {
  AnyIp anyIp(recipe::kAnyIpPrefix);
  std::string wait;
  if (root.empty()) {
    if (auto may = refuseWildcards(plan); !may) return failed(may.error());
    auto running = askWhatRuns(admin);
    if (!running) return failed(running.error(), kBadInput);
    wait = recipe::whyNamesWait(plan, {{}, recipe::SocketTable::read(), std::move(*running)});
  }
  const auto outcome = recipe::Installation(root, root.empty() ? &anyIp : nullptr).apply(plan, wait);
  if (!outcome) return failed(outcome.error());
  const bool waits = !outcome->waitsFor.empty();
  print(outcome->changes, waits ? "nothing new" : "nothing to change: it is applied");
  if (waits) {
    std::cout << "\nThe names in /etc/hosts are as they were, so that nobody is refused:\n  "
              << printable(outcome->waitsFor) << "\n";
  }
  printSteps(plan, waits ? untilNamesTurn(plan) : std::vector<std::string>());
  return 0;
}

int verify(const Plan& plan, const std::string& admin) {
  using Kind = recipe::Finding::Kind;
  auto running = askWhatRuns(admin);
  if (!running) return failed(running.error(), kBadInput);
  bool good = true;
  for (const recipe::Finding& finding : recipe::verify(plan, recipe::observe(plan, std::move(*running)))) {
    const char* word = finding.kind == Kind::kGood  ? "ok      "
                       : finding.kind == Kind::kBad ? "WRONG   "
                                                    : "not yet ";
    std::cout << word << printable(finding.text) << "\n";
    if (!finding.advice.empty()) std::cout << "         -> " << finding.advice << "\n";
    good = good && finding.kind == Kind::kGood;
  }
  return good ? 0 : kFailed;
}

}  // namespace

RecipeCommand::RecipeCommand(CLI::App& app)
    : command_(app.add_subcommand(
          "recipe", "Put a store's traffic to its peers on the path: names, addresses, configuration")) {
  command_->add_option("store", store_, "rustfs, minio or swift (not needed for --undo)");
  command_->add_option("--nodes", nodes_,
                       "All nodes, in the same order on every host: node1=10.0.0.1,node2=10.0.0.2,...");
  command_->add_option("--self", self_, "This node's name among them");
  command_->add_option("--port", ports_,
                       "The store's port; may be given several times (9000; swift: 6200 6201 6202)");
  command_->add_option("--admin", admin_,
                       "Where peerpulse's admin listens: IP:PORT or unix:/path (or PEERPULSE_ADMIN)");
  auto* root =
      command_->add_option("--root", root_, "Apply or undo in this tree, in which nothing runs, instead of /");
  auto* apply = command_->add_flag("--apply", apply_,
                                   "Install it; the names once peerpulse listens; a further time changes nothing");
  auto* undo = command_->add_flag("--undo", undo_, "Remove it: /etc is as it was before");
  auto* verify = command_->add_flag("--verify", verify_, "Say whether the traffic passes peerpulse now");
  apply->excludes(undo)->excludes(verify);
  undo->excludes(verify);
  verify->excludes(root);
}

std::optional<int> RecipeCommand::run() const {
  if (!command_->parsed()) return std::nullopt;
  return undo_ ? undo() : carryOut();
}

int RecipeCommand::carryOut() const {
  const auto* store =
      std::find_if(kStores.begin(), kStores.end(), [&](Store each) { return store_ == toString(each); });
  if (store == kStores.end()) return failed({"\"" + store_ + "\": which store? rustfs, minio or swift"}, kBadInput);
  auto nodes = recipe::parseNodes(nodes_);
  if (!nodes) return failed(nodes.error(), kBadInput);
  const std::string root = treeOf(root_);
  auto known = recipe::Installation(root).listens();
  if (!known) return failed(known.error());
  auto plan = recipe::planFor({*store, std::move(*nodes), self_, ports_, std::move(*known)});
  if (!plan) return failed(plan.error(), kBadInput);
  if (verify_) return verify(*plan, admin_);
  warnOfSettings(*plan, root);
  if (apply_) return install(*plan, root, admin_);
  print(*plan);
  return 0;
}

int RecipeCommand::undo() const {
  AnyIp anyIp(recipe::kAnyIpPrefix);
  const std::string root = treeOf(root_);
  const auto outcome = recipe::Installation(root, root.empty() ? &anyIp : nullptr).undo();
  if (!outcome) return failed(outcome.error());
  print(outcome->changes, outcome->waitsFor.empty() ? "nothing to undo: no recipe is applied here" : "nothing new");
  if (!outcome->waitsFor.empty()) {
    std::cout << std::flush;
    return failed({"not all is undone, but no name leads to peerpulse any more: " + outcome->waitsFor});
  }
  if (outcome->changes.empty()) return 0;
  std::cout << "\nLeft to do, in this order:\n";
  printNumbered({"take the store's environment and its unit's After= and Wants= back",
                 "restart the store, one node after the other: its open connections still pass peerpulse",
                 "systemctl disable --now peerpulse"});
  return 0;
}

}  // namespace peerpulse::cli
