#include "recipe_command.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <sys/stat.h>

#include <CLI/CLI.hpp>

#include "peerpulse/recipe/any_ip.h"
#include "peerpulse/recipe/hosts_file.h"
#include "peerpulse/recipe/installation.h"
#include "peerpulse/recipe/plan.h"
#include "peerpulse/recipe/socket_table.h"
#include "peerpulse/recipe/verification.h"

namespace peerpulse::server {

namespace {

using recipe::AnyIp;
using recipe::Plan;
using recipe::Store;

constexpr int kFailed = 1;
constexpr int kBadInput = 2;
constexpr std::array kStores = {Store::kRustfs, Store::kMinio, Store::kSwift};

int failed(const Error& error, int status = kFailed) {
  std::cerr << "peerpulse recipe: " << error.message << "\n";
  return status;
}

void printSteps(const Plan& plan) {
  std::cout << "\nLeft to do, in this order:\n";
  for (size_t i = 0; i < plan.steps.size(); ++i)
    std::cout << "  " << i + 1 << ". " << plan.steps[i] << "\n";
  std::cout << "\nMind:\n";
  for (const std::string& caution : plan.cautions)
    std::cout << "  - " << caution << "\n";
}

void print(const Plan& plan) {
  std::cout << "# /etc/hosts: at the end; other lines that name these hosts are switched off\n"
            << recipe::withHosts("", plan.hosts);
  for (const recipe::OwnFile& file : plan.files)
    std::cout << "\n# " << file.path << "\n" << file.content;
  for (const recipe::OwnLink& link : plan.links)
    std::cout << "\n# " << link.path << " -> " << link.target << "\n";
  printSteps(plan);
  std::cout << "\n--apply puts the files in their places, --undo takes them away.\n";
}

void print(const std::vector<std::string>& changes, const char* none) {
  for (const std::string& change : changes)
    std::cout << change << "\n";
  if (changes.empty()) std::cout << none << "\n";
}

bool hasRouteUnit() {
  const std::string unit = std::string("/etc/systemd/system/") + recipe::kRouteUnit;
  struct stat found {};
  return ::stat(unit.c_str(), &found) == 0;
}

/// The address is the same for all recipes that have one.
Result<void> unroute(std::vector<std::string>& changes) {
  const AnyIp anyIp(recipe::kAnyIpPrefix);
  if (anyIp.there()) {
    if (auto removed = anyIp.remove(); !removed) return removed;
    changes.push_back(std::string("no longer routed: ") + recipe::kAnyIpPrefix);
  }
  return AnyIp::reloadUnits();
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

/// The prefix's routes go with this host, so another root has none.
int install(const Plan& plan, const std::string& root) {
  if (root.empty()) {
    if (auto may = refuseWildcards(plan); !may) return failed(may.error());
  }
  const bool wasRouted = root.empty() && hasRouteUnit();
  auto changes = recipe::Installation(root).apply(plan);
  if (!changes) return failed(changes.error());
  if (wasRouted && !plan.anyIp) {
    if (auto gone = unroute(*changes); !gone) return failed(gone.error());
  }
  if (plan.anyIp && root.empty()) {
    const AnyIp anyIp(*plan.anyIp);
    if (!changes->empty()) {
      if (auto reloaded = AnyIp::reloadUnits(); !reloaded) return failed(reloaded.error());
    }
    if (!anyIp.there()) {
      if (auto added = anyIp.add(); !added) return failed(added.error());
      changes->push_back("routed " + *plan.anyIp + " to this host" +
                         (AnyIp::bySystemd() ? "" : " (until its end: no systemd here)"));
    }
  }
  print(*changes, "nothing to change: it is applied");
  printSteps(plan);
  return 0;
}

int verify(const Plan& plan) {
  using Kind = recipe::Finding::Kind;
  bool good = true;
  for (const recipe::Finding& finding : recipe::verify(plan, recipe::observe(plan))) {
    const char* word = finding.kind == Kind::kGood  ? "ok      "
                       : finding.kind == Kind::kBad ? "WRONG   "
                                                    : "not yet ";
    std::cout << word << finding.text << "\n";
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
  command_->add_option("--root", root_, "Apply or undo in this tree instead of /");
  auto* apply = command_->add_flag("--apply", apply_, "Install it; a second time changes nothing");
  auto* undo = command_->add_flag("--undo", undo_, "Remove it: /etc is as it was before");
  auto* verify = command_->add_flag("--verify", verify_, "Say whether the traffic passes peerpulse now");
  apply->excludes(undo)->excludes(verify);
  undo->excludes(verify);
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
  auto known = recipe::Installation(root_).listens();
  if (!known) return failed(known.error());
  auto plan = recipe::planFor({*store, std::move(*nodes), self_, ports_, std::move(*known)});
  if (!plan) return failed(plan.error(), kBadInput);
  if (apply_) return install(*plan, root_);
  if (verify_) return verify(*plan);
  print(*plan);
  return 0;
}

// Names first: a route that goes while they still lead there would cut this host off from all its peers.
int RecipeCommand::undo() const {
  const bool routed = root_.empty() && hasRouteUnit();
  auto changes = recipe::Installation(root_).undo();
  if (!changes) return failed(changes.error());
  if (routed) {
    if (auto gone = unroute(*changes); !gone) return failed(gone.error());
  }
  print(*changes, "nothing to undo: no recipe is applied here");
  return 0;
}

}  // namespace peerpulse::server
