#include "field.h"

#include <algorithm>
#include <optional>

#include "suggest.h"
#include "units.h"

namespace peerpulse::config {

namespace {

/// Each overload reads one kind of value. An empty result means it was set, otherwise it says what was
/// expected.
using Expected = std::optional<std::string>;

std::string range(const std::string& min, const std::string& max, bool zero, const std::string& nothing) {
  return "from " + min + " to " + max + (zero ? ", or " + nothing + " for none" : "");
}

Expected read(const DurationField& f, const Json& json) {
  const auto parsed = json.is_string() ? parseDuration(json.get_ref<const std::string&>()) : std::nullopt;
  const bool fits =
      parsed && ((*parsed >= f.min && *parsed <= f.max) || (f.zeroMeansNone && *parsed == Duration::zero()));
  if (!fits || (f.wholeSeconds && *parsed % seconds(1) != Duration::zero())) {
    return std::string("a duration ") + (f.wholeSeconds ? "of whole seconds " : "") +
           range(formatDuration(f.min), formatDuration(f.max), f.zeroMeansNone, "\"0s\"") +
           " (a string such as \"20ms\", \"3s\", \"1m\")";
  }
  *f.value = *parsed;
  return std::nullopt;
}

Expected read(const TimeoutField& f, const Json& json) {
  const bool automatic = json == "auto";
  const Expected expected = automatic ? std::nullopt : read(f.fixed, json);
  if (expected) return *expected + ", or \"auto\"";
  *f.automatic = automatic;
  return std::nullopt;
}

Expected read(const CountField& f, const Json& json) {
  if (!json.is_number_unsigned() || json.get<uint64_t>() < f.min || json.get<uint64_t>() > f.max) {
    return "a whole number " + range(std::to_string(f.min), std::to_string(f.max), false, "");
  }
  *f.value = static_cast<uint32_t>(json.get<uint64_t>());
  return std::nullopt;
}

Expected read(const SizeField& f, const Json& json) {
  std::optional<uint64_t> parsed;
  if (json.is_number_unsigned()) parsed = json.get<uint64_t>();
  if (json.is_string()) parsed = parseSize(json.get_ref<const std::string&>());
  const bool fits = parsed && ((*parsed >= f.min && *parsed <= f.max) || (f.zeroMeansNone && *parsed == 0));
  if (!fits) {
    return "a size " + range(formatSize(f.min), formatSize(f.max), f.zeroMeansNone, "0") +
           " (bytes, or a string such as \"64KiB\", \"1MiB\", \"2GiB\")";
  }
  *f.value = *parsed;
  return std::nullopt;
}

Expected read(const PortsField& f, const Json& json) {
  const std::string expected = "at most " + std::to_string(f.max) + " different ports from 1 to 65535";
  if (!json.is_array() || json.size() > f.max) return expected;
  std::vector<uint16_t> ports;
  for (const Json& port : json) {
    if (!port.is_number_unsigned() || port.get<uint64_t>() < 1 || port.get<uint64_t>() > 65535) return expected;
    ports.push_back(static_cast<uint16_t>(port.get<uint64_t>()));
    if (std::count(ports.begin(), ports.end(), ports.back()) > 1) return expected;
  }
  *f.value = std::move(ports);
  return std::nullopt;
}

Expected read(const BoolField& f, const Json& json) {
  if (!json.is_boolean()) return "true or false";
  *f.value = json.get<bool>();
  return std::nullopt;
}

Expected read(const AddressField& f, const Json& json) {
  constexpr const char* kForms =
      "a literal address such as \"10.0.0.2:9000\", \"[fd00::2]:9000\" or \"unix:/run/x.sock\"";
  if (!json.is_string()) return kForms;
  const auto& text = json.get_ref<const std::string&>();
  if (text.find('\0') != std::string::npos) return kForms;
  if (f.optional && text.empty()) {
    *f.value = SocketAddress();
    return std::nullopt;
  }
  Result<SocketAddress> parsed = SocketAddress::parse(text);
  if (!parsed) return kForms;
  *f.value = *parsed;
  return std::nullopt;
}

Expected read(const EndpointField& f, const Json& json) {
  constexpr const char* kForms =
      "a literal address such as \"10.0.0.2:9000\", \"[fd00::2]:9000\" or \"unix:/run/x.sock\", or a host name and a "
      "port "
      "such as \"node2.example:9000\"";
  if (!json.is_string()) return kForms;
  const auto& text = json.get_ref<const std::string&>();
  if (text.find('\0') != std::string::npos) return kForms;
  auto parsed = Endpoint::parse(text);
  if (!parsed) return kForms;
  *f.value = std::move(*parsed);
  return std::nullopt;
}

/// An IP address, with `port`.
std::optional<SocketAddress> hostWithPort(const std::string& text, const char* port) {
  const bool six = text.find(':') != std::string::npos;
  const auto parsed = SocketAddress::parse((six ? "[" + text + "]" : text) + ":" + port);
  if (!parsed || parsed->isUnix()) return std::nullopt;
  return *parsed;
}

Expected read(const HostField& f, const Json& json) {
  constexpr const char* kForms =
      "an IP address of this host without a port, such as \"10.0.0.1\" or \"fd00::1\", or \"\"";
  if (!json.is_string()) return kForms;
  const auto& text = json.get_ref<const std::string&>();
  if (text.empty()) {
    *f.value = SocketAddress();
    return std::nullopt;
  }
  const auto host = text.find('\0') == std::string::npos ? hostWithPort(text, "0") : std::nullopt;
  if (!host) return kForms;
  *f.value = *host;
  return std::nullopt;
}

Expected read(const ServersField& f, const Json& json) {
  const std::string expected = "an array of at most " + std::to_string(f.max) +
                               " different addresses of DNS servers, such as \"10.0.0.53\" or \"[fd00::53]:53\"";
  if (!json.is_array() || json.size() > f.max) return expected;
  std::vector<std::string> servers;
  for (const Json& entry : json) {
    if (!entry.is_string()) return expected;
    const auto& text = entry.get_ref<const std::string&>();
    if (text.find('\0') != std::string::npos) return expected;
    auto server = hostWithPort(text, "53");
    if (!server) {
      if (const auto whole = SocketAddress::parse(text); whole && !whole->isUnix() && whole->port() != 0)
        server = *whole;
    }
    if (!server) return expected;
    servers.push_back(server->toString());
    if (std::count(servers.begin(), servers.end(), servers.back()) > 1) return expected;
  }
  *f.value = std::move(servers);
  return std::nullopt;
}

Expected read(const EnumField& f, const Json& json) {
  if (json.is_string()) {
    const auto at = std::find(f.names.begin(), f.names.end(), json.get_ref<const std::string&>());
    if (at != f.names.end()) {
      *f.value = static_cast<uint8_t>(at - f.names.begin());
      return std::nullopt;
    }
  }
  std::string expected = "one of";
  for (const std::string& name : f.names)
    expected += (name == f.names.front() ? " \"" : ", \"") + name + "\"";
  const std::string meant = json.is_string() ? nearest(json.get_ref<const std::string&>(), f.names) : "";
  return meant.empty() ? expected : expected + " (did you mean \"" + meant + "\"?)";
}

constexpr std::string_view kAlphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr size_t kMaxName = 64;
constexpr size_t kMaxText = 4096;

bool consistsOf(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [others](char c) {
    return kAlphanumeric.find(c) != std::string_view::npos || others.find(c) != std::string_view::npos;
  });
}

bool isPrintable(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool isHost(const std::string& text) {
  const bool v6 = text.find(':') != std::string::npos;
  return isHostName(text) || SocketAddress::parse(v6 ? "[" + text + "]:1" : text + ":1").has_value();
}

Expected read(const TextField& f, const Json& json) {
  if (!json.is_string()) return "a string";
  const auto& text = json.get_ref<const std::string&>();
  if (text.size() > kMaxText || !isPrintable(text)) return "at most 4096 characters, no control characters";
  switch (f.kind) {
    case TextField::Kind::kAny: break;
    case TextField::Kind::kName:
      // "." and ".." would vanish from a URL path.
      if (text.empty() || text.size() > kMaxName || !consistsOf(text, "._-") || text == "." || text == "..") {
        return "a name of 1 to 64 characters from A-Z a-z 0-9 . _ -";
      }
      break;
    case TextField::Kind::kPath:
      if (!text.empty() && (text[0] != '/' || text.find(' ') != std::string::npos)) {
        return "a path beginning with \"/\" and without spaces, or \"\"";
      }
      break;
    case TextField::Kind::kToken:
      if (!consistsOf(text, "!#$%&'*+-.^_`|~")) return "an HTTP method, or \"\" for any";
      break;
    case TextField::Kind::kHost:
      if (!text.empty() && !isHost(text)) {
        return "a host name such as \"node2.example\" or an address such as \"10.0.0.2\", without a port, or \"\"";
      }
      break;
  }
  *f.value = text;
  return std::nullopt;
}

constexpr size_t kMaxArguments = 64;

Expected read(const CommandField& f, const Json& json) {
  const auto fits = [](const Json& argument) {
    if (!argument.is_string()) return false;
    const auto& text = argument.get_ref<const std::string&>();
    return text.size() <= kMaxText && text.find('\0') == std::string::npos;
  };
  if (!json.is_array() || json.size() > kMaxArguments || !std::all_of(json.begin(), json.end(), fits)) {
    return "an array of at most 64 strings, a program and its arguments (such as [\"/usr/local/bin/hook\", \"-v\"])";
  }
  *f.value = json.get<std::vector<std::string>>();
  return std::nullopt;
}

Expected read(const PathsField& f, const Json& json) {
  const auto fits = [](const Json& path) {
    return path.is_string() && path.get_ref<const std::string&>().starts_with('/') &&
           path.get_ref<const std::string&>().size() <= kMaxText && isPrintable(path.get_ref<const std::string&>());
  };
  if (!json.is_array() || json.size() > f.max || !std::all_of(json.begin(), json.end(), fits)) {
    return "an array of at most " + std::to_string(f.max) + " absolute paths of files";
  }
  *f.value = json.get<std::vector<std::string>>();
  return std::nullopt;
}

/// A name, a slash, and the path under which the node serves the disk.
std::optional<fanout::Disk> parseDisk(const Json& json) {
  if (!json.is_string()) return std::nullopt;
  const auto& text = json.get_ref<const std::string&>();
  const size_t slash = text.find('/');
  if (slash == std::string::npos || slash == 0 || slash > kMaxName || text.size() > kMaxText) return std::nullopt;
  fanout::Disk disk{text.substr(0, slash), text.substr(slash + 1)};
  const bool named = consistsOf(disk.node, "._-") && consistsOf(disk.path, "._-~/");
  if (!named || disk.path.empty() || disk.path.front() == '/' || disk.path.back() == '/') return std::nullopt;
  return disk;
}

Expected read(const DisksField& f, const Json& json) {
  const std::string expected =
      "an array of at most " + std::to_string(f.max) + " different disks, each as \"node5/data/disk2\"";
  if (!json.is_array() || json.size() > f.max) return expected;
  std::vector<fanout::Disk> disks;
  for (const Json& entry : json) {
    auto disk = parseDisk(entry);
    if (!disk || std::find(disks.begin(), disks.end(), *disk) != disks.end()) return expected;
    disks.push_back(std::move(*disk));
  }
  *f.value = std::move(disks);
  return std::nullopt;
}

Json write(const DisksField& f) {
  Json list = Json::array();
  for (const fanout::Disk& disk : *f.value)
    list.push_back(disk.name());
  return list;
}
Json write(const DurationField& f) { return formatDuration(*f.value); }
Json write(const TimeoutField& f) { return *f.automatic ? Json("auto") : write(f.fixed); }
Json write(const CountField& f) { return *f.value; }
Json write(const SizeField& f) { return *f.value == 0 ? Json(0) : Json(formatSize(*f.value)); }
Json write(const PortsField& f) { return *f.value; }
Json write(const BoolField& f) { return *f.value; }
Json write(const AddressField& f) { return f.value->toString(); }
Json write(const EndpointField& f) { return f.value->toString(); }
Json write(const HostField& f) {
  if (f.value->family() == AF_UNSPEC) return "";
  const std::string text = f.value->toString();  // 10.0.0.1:0, [fd00::1]:0
  const std::string host = text.substr(0, text.rfind(':'));
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}
Json write(const ServersField& f) { return *f.value; }
Json write(const EnumField& f) { return f.names.at(*f.value); }
Json write(const TextField& f) { return *f.value; }
Json write(const CommandField& f) { return *f.value; }
Json write(const PathsField& f) { return *f.value; }

}  // namespace

void readField(const Field& field, const Json& value, const std::string& where, ErrorList& errors) {
  const Expected expected = std::visit([&](const auto& target) { return read(target, value); }, field.target);
  if (expected) errors.add(where, describe(value), *expected);
}

Json writeField(const Field& field) {
  return std::visit([](const auto& target) { return write(target); }, field.target);
}

}  // namespace peerpulse::config
