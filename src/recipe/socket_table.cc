#include "peerpulse/recipe/socket_table.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <unistd.h>

namespace peerpulse::recipe {

namespace {

namespace fs = std::filesystem;

// linux/tcp_states.h, as /proc/net/tcp has them.
constexpr unsigned kEstablished = 0x01;
constexpr unsigned kListen = 0x0A;
constexpr size_t kWordDigits = 8;
constexpr size_t kMappedPrefix = 12;  // ::ffff:0:0/96
constexpr size_t kInodeColumn = 9;

template <typename Number>
std::optional<Number> number(std::string_view text, int base) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The kernel prints each 32-bit word of the address as a number of this machine's byte order.
std::optional<std::string> address(std::string_view hex) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  if (hex.size() != kWordDigits && hex.size() != 4 * kWordDigits) return std::nullopt;
  for (size_t word = 0; word < hex.size() / kWordDigits; ++word) {
    const auto value = number<uint32_t>(hex.substr(word * kWordDigits, kWordDigits), 16);
    if (!value) return std::nullopt;
    std::memcpy(bytes.data() + word * sizeof *value, &*value, sizeof *value);
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  in6_addr six{};
  std::memcpy(&six, bytes.data(), sizeof six);
  const bool mapped = hex.size() > kWordDigits && IN6_IS_ADDR_V4MAPPED(&six);
  const unsigned char* four = bytes.data() + (mapped ? kMappedPrefix : 0);
  if (hex.size() == kWordDigits || mapped) return std::string(::inet_ntop(AF_INET, four, text.data(), text.size()));
  return "[" + std::string(::inet_ntop(AF_INET6, bytes.data(), text.data(), text.size())) + "]";
}

std::optional<std::string> endpoint(const std::string& field) {
  const size_t colon = field.find(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto host = address(std::string_view(field).substr(0, colon));
  const auto port = number<uint16_t>(std::string_view(field).substr(colon + 1), 16);
  if (!host || !port) return std::nullopt;
  return *host + ":" + std::to_string(*port);
}

std::string contentOf(const fs::path& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void addOwners(const fs::path& process, int pid, std::map<uint64_t, Owner>& owners) {
  constexpr std::string_view kPrefix = "socket:[";
  std::string command;
  std::error_code error;
  for (fs::directory_iterator at(process / "fd", error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    const std::string target = fs::read_symlink(at->path(), gone).string();
    if (gone || !target.starts_with(kPrefix)) continue;
    const auto inode =
        number<uint64_t>(std::string_view(target).substr(kPrefix.size(), target.size() - kPrefix.size() - 1), 10);
    if (!inode) continue;
    if (command.empty()) {
      command = contentOf(process / "comm");
      while (!command.empty() && command.back() == '\n')
        command.pop_back();
      // Whoever runs it chooses the name, and a terminal may show it.
      for (char& c : command)
        c = static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e ? '?' : c;
    }
    owners.emplace(*inode, Owner{pid, command});
  }
}

}  // namespace

std::vector<TcpSocket> parseSocketTable(std::string_view text) {
  std::vector<TcpSocket> sockets;
  std::istringstream lines{std::string(text)};
  std::string line;
  std::getline(lines, line);  // the heading
  while (std::getline(lines, line)) {
    std::istringstream stream(line);
    const std::vector<std::string> fields{std::istream_iterator<std::string>(stream), {}};
    if (fields.size() <= kInodeColumn) continue;
    const auto local = endpoint(fields[1]);
    const auto remote = endpoint(fields[2]);
    const auto state = number<unsigned>(fields[3], 16);
    const auto inode = number<uint64_t>(fields[kInodeColumn], 10);
    if (!local || !remote || !state || !inode) continue;
    sockets.push_back({*local, *remote, *state == kListen, *state == kEstablished, *inode});
  }
  return sockets;
}

const TcpSocket* SocketTable::wildcardAt(const std::string& port) const {
  const auto at = std::find_if(sockets.begin(), sockets.end(), [&](const TcpSocket& socket) {
    return socket.listens && (socket.local == "0.0.0.0:" + port || socket.local == "[::]:" + port);
  });
  return at == sockets.end() ? nullptr : &*at;
}

SocketTable SocketTable::read() {
  SocketTable table;
  table.seesAll = ::geteuid() == 0;
  std::set<uint64_t> seen;
  for (const char* name : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    for (const TcpSocket& socket : parseSocketTable(contentOf(name))) {
      // A table that changes while it is read may have a socket twice; 0: nobody has it any more, or yet.
      if (socket.inode == 0 || seen.insert(socket.inode).second) table.sockets.push_back(socket);
    }
  }
  std::error_code error;
  for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    if (const auto pid = number<int>(at->path().filename().string(), 10)) addOwners(at->path(), *pid, table.owners);
  }
  return table;
}

}  // namespace peerpulse::recipe
