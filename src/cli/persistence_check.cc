#include "persistence_check.h"

#include <algorithm>
#include <set>

#include "same_host.h"

namespace peerpulse::cli {

namespace {

/// Where systems keep what they do at boot.
constexpr const char* kFolders[] = {"/etc/network/interfaces.d",
                                    "/etc/network/if-up.d",
                                    "/etc/network/if-pre-up.d",
                                    "/etc/systemd/network",
                                    "/etc/systemd/system",
                                    "/etc/netplan",
                                    "/etc/NetworkManager/system-connections",
                                    "/etc/NetworkManager/dispatcher.d",
                                    "/etc/sysconfig/network-scripts",
                                    "/etc/local.d",
                                    "/etc/init.d",
                                    "/usr/lib/systemd/system",
                                    "/etc/cron.d"};
constexpr const char* kFiles[] = {"/etc/network/interfaces", "/etc/rc.local", "/etc/crontab",
                                  "/etc/iproute2/rt_tables"};

bool mentions(const HostFiles& files, const std::string& path, const std::string& prefix) {
  const auto text = files.read(path);
  return text && text->find(prefix) != std::string::npos;
}

bool somebodySets(const HostFiles& files, const std::string& prefix) {
  for (const char* path : kFiles) {
    if (mentions(files, path, prefix)) return true;
  }
  for (const char* folder : kFolders) {
    for (const std::string& name : files.list(folder)) {
      const std::string path = std::string(folder) + "/" + name;
      if (mentions(files, path, prefix)) return true;
      if (!name.ends_with(".d")) continue;
      for (const std::string& part : files.list(path)) {
        std::string partPath = path;
        partPath.append("/").append(part);
        if (mentions(files, partPath, prefix)) return true;
      }
    }
  }
  return false;
}

/// The part of an address that a route over a block of them, too, is written with.
std::string prefixOf(const SocketAddress& address) {
  const std::string text = address.toString();
  const std::string host = text.substr(0, text.rfind(':'));
  if (host.starts_with("[")) return host.substr(1, host.find(':', host.find(':') + 1) - 1);
  return host.substr(0, host.rfind('.') + 1);
}

}  // namespace

Findings checkAddressesPersist(const HostFiles& files, const std::vector<SocketAddress>& listens,
                               const std::vector<SocketAddress>& interfaceAddresses) {
  std::set<std::string> prefixes;
  for (const SocketAddress& listen : listens) {
    if (listen.isUnix() || listen.isLoopback() || isWildcard(listen)) continue;
    const bool listed = std::any_of(interfaceAddresses.begin(), interfaceAddresses.end(),
                                    [&](const SocketAddress& own) { return sameHost(own, listen); });
    if (!listed) prefixes.insert(prefixOf(listen));
  }
  Findings findings;
  for (const std::string& prefix : prefixes) {
    if (somebodySets(files, prefix)) {
      findings.push_back({Severity::kOk, "persistence", prefix + "...", "is set at boot", ""});
    } else {
      findings.push_back(
          {Severity::kWarning, "persistence", prefix + "...",
           "listeners use these addresses, no interface has them, and nothing in /etc sets them at boot: they are "
           "gone after a reboot, and peerpulse does not start",
           "`peerpulse recipe ... --apply`, or a unit or interface file with `ip route add local " + prefix +
               "0/24 dev lo`"});
    }
  }
  return findings;
}

Findings checkServicePersists(const HostFiles& files) {
  if (!files.exists("/run/systemd/system")) return {};
  for (const std::string& name : files.list("/etc/systemd/system")) {
    if (!name.ends_with(".wants") && !name.ends_with(".requires")) continue;
    for (const std::string& unit : files.list("/etc/systemd/system/" + name)) {
      if (unit == "peerpulse.service") return {{Severity::kOk, "persistence", unit, "is started at boot", ""}};
    }
  }
  return {{Severity::kAdvice, "persistence", "peerpulse.service", "systemd does not start it at boot",
           "systemctl enable peerpulse (if nothing else starts it)"}};
}

}  // namespace peerpulse::cli
