#include "manifest.h"

#include <nlohmann/json.hpp>

namespace peerpulse::recipe {

using Json = nlohmann::ordered_json;

std::string Manifest::text() const {
  Json json = {{"about", "what `peerpulse recipe --apply` has put here; `peerpulse recipe --undo` takes it away"},
               {"files", Json::array()},
               {"links", Json::array()},
               {"folders", folders}};
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
    for (const Json& file : json.at("files"))
      manifest.files.push_back({file.at("path").get<std::string>(), file.at("content").get<std::string>()});
    for (const Json& link : json.at("links"))
      manifest.links.push_back({link.at("path").get<std::string>(), link.at("target").get<std::string>()});
    manifest.folders = json.at("folders").get<std::vector<std::string>>();
    return manifest;
  } catch (const Json::exception& error) {
    return Error{std::string(kManifestPath) + ": not what a recipe has written (" + error.what() +
                 "); without it the files it names must be removed by hand"};
  }
}

}  // namespace peerpulse::recipe
