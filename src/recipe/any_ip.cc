#include "peerpulse/recipe/any_ip.h"

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "peerpulse/base/fd.h"
#include "peerpulse/recipe/plan.h"

namespace peerpulse::recipe {

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

}  // namespace

bool AnyIp::bySystemd() {
  struct stat found {};
  return ::stat("/run/systemd/system", &found) == 0;  // sd_booted(3)
}

bool AnyIp::there() const {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const std::string host = prefix_.substr(0, prefix_.find('/'));
  if (!fd.valid() || ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return false;
  address.sin_addr.s_addr = htonl(ntohl(address.sin_addr.s_addr) + 1);
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Result<void> AnyIp::add() const {
  if (bySystemd()) return run({"systemctl", "restart", kRouteUnit});
  return run({"ip", "route", "replace", "local", prefix_, "dev", "lo"});
}

Result<void> AnyIp::remove() const {
  if (bySystemd()) return run({"systemctl", "stop", kRouteUnit});
  return run({"ip", "route", "flush", "table", "local", "exact", prefix_});  // none is no error
}

Result<void> AnyIp::reloadUnits() { return bySystemd() ? run({"systemctl", "daemon-reload"}) : Result<void>(); }

}  // namespace peerpulse::recipe
