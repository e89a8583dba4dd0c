#include "manifest.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "erasure_writer/stripe_layout.h"
#include "peerpulse/base/fd.h"

namespace peerpulse::erasure_writer {

namespace {

using nlohmann::json;

constexpr size_t kMaxSmallFile = 256 * 1024 * 1024;
constexpr size_t kMaxBlockSize = 64 * 1024 * 1024;

bool isHexName(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

json objectToJson(const ManifestObject& object) {
  json shards = json::array();
  for (size_t i = 0; i < kShards; ++i) {
    if (object.shards[i]) shards.push_back(i);
  }
  json moved = json::array();
  for (const MovedChunk& chunk : object.moved)
    moved.push_back({{"stripe", chunk.stripe}, {"shard", chunk.shard}, {"disk", chunk.disk}});
  return {{"name", object.name},      {"source", object.source},   {"size", object.size},
          {"sha256", object.sha256},  {"stripes", object.stripes}, {"shards", std::move(shards)},
          {"moved", std::move(moved)}};
}

// Throws json::exception on wrong types and missing keys, Error's text otherwise.
ManifestObject objectFromJson(const json& from, size_t blockSize) {
  ManifestObject object;
  object.name = from.at("name").get<std::string>();
  object.source = from.at("source").get<std::string>();
  object.size = from.at("size").get<uint64_t>();
  object.sha256 = from.at("sha256").get<std::string>();
  object.stripes = from.at("stripes").get<uint64_t>();
  for (const json& shard : from.at("shards")) {
    const auto index = shard.get<size_t>();
    if (index >= kShards) throw std::out_of_range("a shard is not from 0 to 15");
    object.shards.set(index);
  }
  for (const json& chunk : from.value("moved", json::array())) {
    object.moved.push_back(
        {chunk.at("stripe").get<uint64_t>(), chunk.at("shard").get<int>(), chunk.at("disk").get<std::string>()});
  }
  if (!isHexName(object.name) || !isHexName(object.sha256))
    throw std::out_of_range("name or sha256 is not 64 hex digits");
  if (object.stripes != StripeLayout(object.size, blockSize).stripes()) {
    throw std::out_of_range("size and stripes do not fit together");
  }
  return object;
}

Manifest fromJson(const json& from) {
  if (from.at("version").get<int>() != 1) throw std::out_of_range("only version 1 is known");
  if (from.at("data_shards").get<int>() != kDataShards || from.at("parity_shards").get<int>() != kParityShards) {
    throw std::out_of_range("only 12 data and 4 parity shards are known");
  }
  Manifest manifest;
  manifest.blockSize = from.at("block_size").get<size_t>();
  if (manifest.blockSize == 0 || manifest.blockSize > kMaxBlockSize) throw std::out_of_range("bad block_size");
  manifest.prefix = from.at("prefix").get<std::string>();
  manifest.disks = from.at("disks").get<std::vector<std::string>>();
  if (manifest.disks.size() != kShards) throw std::out_of_range("there must be 16 disks");
  for (const json& object : from.at("objects"))
    manifest.objects.push_back(objectFromJson(object, manifest.blockSize));
  return manifest;
}

Result<void> writeAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return systemError("write", errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

Result<Manifest> Manifest::parse(std::string_view text) {
  try {
    return fromJson(json::parse(text));
  } catch (const std::exception& error) {
    return Error{std::string("not a manifest: ") + error.what()};
  }
}

Result<Manifest> Manifest::load(const std::string& path) {
  auto text = readSmallFile(path);
  if (!text) return text.error();
  auto manifest = parse(*text);
  if (!manifest) return Error{path + ": " + manifest.error().message};
  return manifest;
}

std::string Manifest::toJson() const {
  json list = json::array();
  for (const ManifestObject& object : objects)
    list.push_back(objectToJson(object));
  const json all = {{"version", 1},
                    {"data_shards", kDataShards},
                    {"parity_shards", kParityShards},
                    {"block_size", blockSize},
                    {"prefix", prefix},
                    {"disks", disks},
                    {"objects", std::move(list)}};
  return all.dump(1, ' ', false, json::error_handler_t::replace);
}

Result<void> Manifest::save(const std::string& path) const {
  const std::string temporary = path + ".tmp";
  const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd.valid()) return systemError("create " + temporary, errno);
  if (auto written = writeAll(fd.get(), toJson()); !written) return Error{temporary + ": " + written.error().message};
  if (::fsync(fd.get()) != 0) return systemError("fsync " + temporary, errno);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return systemError("rename to " + path, errno);
  return {};
}

std::string chunkPath(std::string_view prefix, std::string_view name, uint64_t stripe, int shard) {
  std::string path = "/";
  if (!prefix.empty()) path.append(prefix).append("/");
  path.append(name.substr(0, 2)).append("/").append(name);
  return path + "." + std::to_string(stripe) + "." + std::to_string(shard);
}

Result<std::string> readSmallFile(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return systemError("open " + path, errno);
  std::string text;
  char part[64 * 1024];
  while (true) {
    const ssize_t n = ::read(fd.get(), part, sizeof part);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return systemError("read " + path, errno);
    if (n == 0) return text;
    text.append(part, static_cast<size_t>(n));
    if (text.size() > kMaxSmallFile) return Error{path + " is too large"};
  }
}

}  // namespace peerpulse::erasure_writer
