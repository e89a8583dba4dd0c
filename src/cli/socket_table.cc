#include "socket_table.h"

#include <array>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <optional>
#include <sstream>

namespace peerpulse::cli {

namespace {

template <typename T>
std::optional<T> number(std::string_view text, int base) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "0100007F:2382": 32 bit words as this processor has them, and the port.
std::optional<SocketAddress> addressOf(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  const auto port = number<uint16_t>(text.substr(colon + 1), 16);
  std::array<uint32_t, 4> words{};
  for (size_t i = 0; i < colon / 8; ++i) {
    const auto word = number<uint32_t>(text.substr(i * 8, 8), 16);
    if (!word) return std::nullopt;
    words[i] = *word;
  }
  if (!port) return std::nullopt;
  if (colon == 8) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(*port);
    in.sin_addr.s_addr = words[0];
    return SocketAddress::fromSockaddr(reinterpret_cast<const sockaddr*>(&in), sizeof in);
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(*port);
  std::memcpy(&in6.sin6_addr, words.data(), sizeof in6.sin6_addr);
  return SocketAddress::fromSockaddr(reinterpret_cast<const sockaddr*>(&in6), sizeof in6);
}

std::string hostText(const SocketAddress& address) {
  std::string text = address.toString();
  text = text.substr(0, text.rfind(':'));
  if (text.starts_with("[::ffff:")) text = text.substr(8, text.size() - 9);
  return text;
}

}  // namespace

std::vector<TcpSocket> parseTcpTable(std::string_view text) {
  std::vector<TcpSocket> sockets;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
    if (!(words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode))
      continue;
    const auto here = addressOf(local);
    const auto there = addressOf(remote);
    const auto node = number<uint64_t>(inode, 10);
    if (!here || !there || !node) continue;
    sockets.push_back({*here, *there, state == "0A", state == "01", *node});
  }
  return sockets;
}

std::vector<TcpSocket> tcpSockets(const HostFiles& files) {
  std::vector<TcpSocket> sockets;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto text = files.read(path);
    if (!text) continue;
    const auto more = parseTcpTable(*text);
    sockets.insert(sockets.end(), more.begin(), more.end());
  }
  return sockets;
}

bool isWildcard(const SocketAddress& address) {
  const std::string text = address.toString();
  return text.starts_with("0.0.0.0:") || text.starts_with("[::]:");
}

bool sameHost(const SocketAddress& a, const SocketAddress& b) {
  return !a.isUnix() && !b.isUnix() && hostText(a) == hostText(b);
}

}  // namespace peerpulse::cli
