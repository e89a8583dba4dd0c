#include "any_ip.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "kernel_routes.h"
#include "peerpulse/base/address.h"
#include "peerpulse/recipe/plan.h"
#include "peerpulse/recipe/socket_table.h"

namespace peerpulse::cli {

namespace {

Result<void> run(std::vector<std::string> words) {
  std::string command;
  std::vector<char*> arguments;
  for (std::string& word : words) {
    command += (command.empty() ? "" : " ") + word;
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), ::environ);
  if (error != 0) return systemError("cannot start `" + command + "`", error);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return systemError("cannot wait for `" + command + "`", errno);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return Error{"`" + command + "` failed (its own message is above); this needs root"};
}

bool bySystemd() {
  struct stat found {};
  return ::stat("/run/systemd/system", &found) == 0;  // sd_booted(3)
}

}  // namespace

Result<bool> AnyIp::there() {
  for (const char* host : {"1", "254"}) {
    const auto address = SocketAddress::parse(stem() + host + ":1");
    if (!address) return address.error();
    const auto route = lookUpRoute(*address);
    if (!route) return route.error();
    if (route->kind != Route::Kind::kLocal) return false;
  }
  return true;
}

Result<std::string> AnyIp::add() {
  const bool lasts = bySystemd();
  const auto added = lasts ? run({"systemctl", "restart", recipe::kRouteUnit})
                           : run({"ip", "route", "replace", "local", prefix_, "dev", "lo"});
  if (!added) return added.error();
  const auto now = there();
  if (!now) return now.error();
  if (!*now)
    return Error{prefix_ + " is not routed to this host, though it was said to be: `ip route get " + stem() + "1`"};
  return "routed " + prefix_ + " to this host" + (lasts ? "" : " (until its end: no systemd here)");
}

Result<void> AnyIp::remove() {
  if (bySystemd()) {
    if (auto stopped = run({"systemctl", "stop", recipe::kRouteUnit}); !stopped) return stopped;
  }
  return run({"ip", "route", "flush", "table", "local", "exact", prefix_});  // none is no error
}

Result<void> AnyIp::reloadUnits() { return bySystemd() ? run({"systemctl", "daemon-reload"}) : Result<void>(); }

size_t AnyIp::connections() {
  const recipe::SocketTable table = recipe::SocketTable::read();
  // The kernel takes an address of the prefix for the client's side, too: both ends of a connection are here, and count once.
  std::set<std::pair<std::string, std::string>> open;
  for (const recipe::TcpSocket& socket : table.sockets) {
    if (socket.open && socket.remote.starts_with(stem())) open.insert(std::minmax(socket.local, socket.remote));
  }
  return open.size();
}

}  // namespace peerpulse::cli
