#include "preflight.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "peerpulse/admin/token.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/net/socket.h"

namespace peerpulse::server {

namespace {

std::string quote(const std::string& text) { return "\"" + text + "\""; }

std::string directoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// What keeps a file from being made in the directory of `path`; empty: nothing.
std::string whyNotMade(const std::string& path) {
  const std::string directory = directoryOf(path);
  struct stat is {};
  if (::stat(directory.c_str(), &is) != 0) {
    return "the directory " + directory + ": " + std::strerror(errno) +
           (errno == ENOENT ? "; make it, or let systemd do so (RuntimeDirectory=, StateDirectory=, LogsDirectory=)"
                            : "");
  }
  if (!S_ISDIR(is.st_mode)) return directory + " is no directory";
  if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return "the directory " + directory + ": " + std::strerror(errno) + " for this user";
  }
  return {};
}

std::string pathOf(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_un*>(address.get())->sun_path;
}

void checkUnix(const SocketAddress& address, const std::string& pointer, std::vector<Finding>& findings) {
  const std::string path = pathOf(address);
  if (const std::string why = whyNotMade(path); !why.empty()) {
    findings.push_back({true, pointer, quote(address.toString()) + " cannot be made: " + why});
    return;
  }
  struct stat is {};
  if (::stat(path.c_str(), &is) == 0 && !S_ISSOCK(is.st_mode)) {
    findings.push_back(
        {true, pointer, quote(address.toString()) + ": a file that is no socket is there; take it away"});
  }
}

Finding bindFinding(int error, const SocketAddress& address, const std::string& pointer) {
  const std::string what = quote(address.toString());
  switch (error) {
    case EADDRINUSE:
      return {false, pointer,
              what + " is in use now: by peerpulse itself if it runs, else by another program (ss -ltnp)"};
    case EADDRNOTAVAIL:
      return {
          true, pointer,
          what +
              " is no address of this host: add it to an interface, or a route to the loopback for its net (ip route "
              "add local NET dev lo); 127.0.0.0/8 is always there"};
    case EACCES: return {true, pointer, what + ": this user may not bind ports below 1024 (CAP_NET_BIND_SERVICE)"};
    case EAFNOSUPPORT: return {true, pointer, what + ": this host has no such protocol (IPv6 is switched off)"};
    default: return {true, pointer, what + " cannot be bound: " + std::strerror(error)};
  }
}

// As net::createListenSocket() binds it; not listening, so that no client is ever taken.
void checkBind(const SocketAddress& address, const std::string& pointer, std::vector<Finding>& findings) {
  if (address.family() == AF_UNSPEC) return;
  if (address.isUnix()) {
    checkUnix(address, pointer, findings);
    return;
  }
  const Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    findings.push_back(bindFinding(errno, address, pointer));
    return;
  }
  const int on = 1;
  const bool bound = ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                     ::bind(fd.get(), address.get(), address.length()) == 0;
  if (!bound) findings.push_back(bindFinding(errno, address, pointer));
}

void checkFile(const std::string& file, const std::string& pointer, std::vector<Finding>& findings) {
  if (file.empty()) return;
  std::string why;
  struct stat is {};
  if (::stat(file.c_str(), &is) != 0) {
    why = errno == ENOENT ? whyNotMade(file) : std::strerror(errno);
  } else if (S_ISDIR(is.st_mode)) {
    why = "it is a directory";
  } else if (::faccessat(AT_FDCWD, file.c_str(), W_OK, AT_EACCESS) != 0) {
    why = std::string(std::strerror(errno)) + " for this user";
  }
  if (!why.empty()) findings.push_back({true, pointer, quote(file) + " cannot be written: " + why});
}

// As server::TlsFiles reads them.
void checkTlsFiles(const config::Config& config, std::vector<Finding>& findings) {
  std::vector<std::string> said;  // once, however many peers have it
  const auto check = [&](const Result<net::TlsContextRef>& made, const std::string& pointer) {
    if (made || std::find(said.begin(), said.end(), made.error().message) != said.end()) return;
    said.push_back(made.error().message);
    findings.push_back({true, pointer, made.error().message});
  };
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    const bool store = peer.role == proxy::Role::kStore;
    const std::string pointer = config::pointerTo(peer, "tls");
    if (peer.tls.enabled) check(net::TlsContext::client(peer.tls), pointer + "/upstream");
    if (peer.link.mode != upstream::LinkMode::kOff) check(net::TlsContext::client(peer.link.tls), "/link/tls");
    if (peer.tlsDownstream.enabled()) {
      check(net::TlsContext::server(peer.tlsDownstream), store ? pointer : pointer + "/downstream");
    }
  }
}

void checkSource(const SocketAddress& source, const std::string& pointer, std::vector<Finding>& findings) {
  if (source.family() == AF_UNSPEC) return;
  const auto fd = net::createStreamSocket(source);
  const auto bound = fd ? net::bindSource(fd->get(), source, source) : Result<void>(fd.error());
  if (bound) return;
  findings.push_back({true, pointer, bound.error().message + ": it has to be an address of this host"});
}

void checkSources(const config::Config& config, std::vector<Finding>& findings) {
  checkSource(config.upstreamSource, "/upstream/source_address", findings);
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    if (peer.source == config.upstreamSource) continue;  // inherited, and said once
    checkSource(peer.source, "/peers/" + std::to_string(slot(peer.id)) + "/source_address", findings);
  }
}

}  // namespace

Result<void> mayMark(uint32_t mark) {
  const auto fd = net::createStreamSocket(SocketAddress::parse("127.0.0.1:1").value());
  if (!fd) return fd.error();
  auto marked = net::setMark(fd->get(), mark);
  if (marked) return {};
  return Error{marked.error().message + ": it needs CAP_NET_ADMIN", marked.error().code};
}

std::vector<Finding> preflight(const config::Config& config) {
  std::vector<Finding> findings;
  checkBind(config.admin.listen, "/admin/listen", findings);
  checkBind(config.admin.metricsListen, "/admin/metrics_listen", findings);
  checkBind(config.api.listen, "/api/listen", findings);
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    if (!guard::carries(peer.mode)) continue;
    checkBind(peer.listen, config::pointerTo(peer, "listen"), findings);
  }
  checkSources(config, findings);
  if (config.upstreamMark != 0) {
    if (const auto may = mayMark(config.upstreamMark); !may)
      findings.push_back({true, "/upstream/mark", may.error().message});
  }
  checkBind(config.transparent.listen, "/transparent/listen", findings);
  checkBind(config.transparent.listen6, "/transparent/listen6", findings);
  checkFile(config.log.file, "/log/file", findings);
  checkFile(config.drainRecord, "/drain_record", findings);
  checkTlsFiles(config, findings);
  if (!config.admin.tokenFile.empty()) {
    if (const auto token = admin::readToken(config.admin.tokenFile); !token) {
      findings.push_back({true, "/admin/token_file", token.error().message});
    }
  }
  return findings;
}

}  // namespace peerpulse::server
