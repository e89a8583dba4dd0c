#include "api_route.h"

#include <algorithm>

namespace peerpulse::erasure_writer {

Result<void> ApiRoute::addNode(std::string_view text) {
  const size_t equals = text.find('=');
  const std::string_view authority = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  if (equals == 0 || !DiskUrl::parse("http://" + std::string(authority) + "/x")) {
    return Error{"'" + std::string(text) + "' is not NAME=IP:PORT"};
  }
  nodes.emplace_back(text.substr(0, equals), authority);
  return {};
}

bool ApiRoute::serves(const DiskUrl& disk) const {
  return std::any_of(nodes.begin(), nodes.end(), [&](const auto& node) { return node.second == disk.authority; });
}

Result<DiskUrl> ApiRoute::diskOf(std::string_view name) const {
  const size_t slash = std::min(name.find('/'), name.size());
  const auto found =
      std::find_if(nodes.begin(), nodes.end(), [&](const auto& node) { return node.first == name.substr(0, slash); });
  if (found == nodes.end()) return Error{"no --node for '" + std::string(name) + "'"};
  return DiskUrl::parse("http://" + found->second + std::string(name.substr(slash)));
}

}  // namespace peerpulse::erasure_writer
