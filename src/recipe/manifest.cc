#include "manifest.h"

#include <algorithm>
#include <functional>

#include <nlohmann/json.hpp>

namespace peerpulse::recipe {

using Json = nlohmann::ordered_json;

namespace {

template <typename Each, typename Same>
void addMissing(std::vector<Each>& to, const std::vector<Each>& from, Same same) {
  for (const Each& each : from) {
    if (std::none_of(to.begin(), to.end(), [&](const Each& have) { return same(have, each); })) to.push_back(each);
  }
}

}  // namespace

Manifest Manifest::with(const Manifest& other) const {
  Manifest both = *this;
  addMissing(both.hosts, other.hosts,
             [](const HostEntry& a, const HostEntry& b) { return a.name == b.name && a.address == b.address; });
  addMissing(both.files, other.files,
             [](const OwnFile& a, const OwnFile& b) { return a.path == b.path && a.content == b.content; });
  addMissing(both.links, other.links,
             [](const OwnLink& a, const OwnLink& b) { return a.path == b.path && a.target == b.target; });
  addMissing(both.folders, other.folders, std::equal_to<>());
  both.madeHosts = madeHosts || other.madeHosts;
  both.routed = routed || other.routed;
  return both;
}

std::string Manifest::text() const {
  Json json = {{"about", "what `peerpulse recipe --apply` has put here; `peerpulse recipe --undo` takes it away"},
               {"store", store},
               {"hosts", Json::array()},
               {"files", Json::array()},
               {"links", Json::array()},
               {"folders", folders},
               {"made_hosts", madeHosts},
               {"routed", routed}};
  for (const HostEntry& host : hosts)
    json["hosts"].push_back({{"address", host.address}, {"name", host.name}});
  for (const OwnFile& file : files)
    json["files"].push_back({{"path", file.path}, {"content", file.content}});
  for (const OwnLink& link : links)
    json["links"].push_back({{"path", link.path}, {"target", link.target}});
  return json.dump(2) + "\n";
}

Result<Manifest> Manifest::parse(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    Manifest manifest;
    manifest.store = json.value("store", "");
    for (const Json& host : json.value("hosts", Json::array()))
      manifest.hosts.push_back({host.at("address").get<std::string>(), host.at("name").get<std::string>()});
    for (const Json& file : json.at("files"))
      manifest.files.push_back({file.at("path").get<std::string>(), file.at("content").get<std::string>()});
    for (const Json& link : json.at("links"))
      manifest.links.push_back({link.at("path").get<std::string>(), link.at("target").get<std::string>()});
    manifest.folders = json.at("folders").get<std::vector<std::string>>();
    manifest.madeHosts = json.value("made_hosts", false);
    manifest.routed =
        json.value("routed", !manifest.links.empty());  // the first ones did not say; only a route has a link
    return manifest;
  } catch (const Json::exception& error) {
    return Error{std::string(kManifestPath) + ": not what a recipe has written (" + error.what() +
                 "); without it the files it names must be removed by hand"};
  }
}

}  // namespace peerpulse::recipe
