#include "peerpulse/config/config.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "fields.h"
#include "json_document.h"
#include "peerpulse/base/fd.h"
#include "reader.h"
#include "validate.h"

namespace peerpulse::config {

namespace {

constexpr size_t kMaxFileSize = 4 * 1024 * 1024;

Result<std::string> readFile(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return systemError(path, errno);
  std::string text;
  char block[16 * 1024];
  while (true) {
    const ssize_t n = ::read(fd.get(), block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return systemError(path, errno);
    if (n == 0) return text;
    text.append(block, static_cast<size_t>(n));
    if (text.size() > kMaxFileSize) return Error{path + ": larger than 4 MiB", EFBIG};
  }
}

/// The host's name, up to its first character that a name may not have.
std::string hostName() {
  char name[65] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "node";
  std::string text(name);
  text.resize(std::min(text.size(), text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                                           "0123456789.-_")));
  return text.empty() ? "node" : text;
}

}  // namespace

const char* toString(Profile profile) {
  switch (profile) {
    case Profile::kLan: return "lan";
    case Profile::kFast: return "fast";
    case Profile::kWan: return "wan";
  }
  return "?";
}

Config::Config() {
  using upstream::TrafficClass;
  admin.listen = SocketAddress::parse("127.0.0.1:9901").value();
  // control: ClassTimeouts' own defaults. bulk and stream have no total.
  upstream::ClassTimeouts& bulk = proxy.timeouts[static_cast<size_t>(TrafficClass::kBulk)];
  bulk.connect = seconds(3);
  bulk.request = Duration::zero();
  bulk.stall = seconds(10);
  bulk.minBytesPerSecond = 1024 * 1024;
  upstream::ClassTimeouts& stream = proxy.timeouts[static_cast<size_t>(TrafficClass::kStream)];
  stream.connect = seconds(3);
  stream.request = Duration::zero();
}

Result<Config> parse(std::string_view text, const std::string& name, const Environment& environment) {
  ErrorList errors;
  try {
    const Json document = parseJson(text, errors);
    if (!errors.empty()) return errors.toError(name);
    Config config;
    config.node = hostName();
    readConfig(document, environment, config, errors);
    // On top of other errors these would only be noise: half of what they compare is missing.
    if (errors.empty()) validate(config, errors);
    if (!errors.empty()) return errors.toError(name);
    return config;
  } catch (const Json::exception& e) {
    return Error{name + ": " + e.what()};
  }
}

Result<Config> load(const std::string& path, const Environment& environment) {
  const Result<std::string> text = readFile(path);
  if (!text) return Error{"cannot read the configuration: " + text.error().message, text.error().code};
  return parse(*text, path, environment);
}

}  // namespace peerpulse::config
