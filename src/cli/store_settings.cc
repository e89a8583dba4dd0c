#include "store_settings.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <sstream>

namespace peerpulse::cli {

namespace {

constexpr const char* kUnits = "/etc/systemd/system";
constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kEnvironment = "Environment=";

bool isUnit(std::string_view file) { return file.ends_with(".service") || file.ends_with(".conf"); }

std::string_view trimmed(std::string_view text) {
  const size_t from = text.find_first_not_of(kBlanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlanks) - from + 1);
}

/// "NAME" of "NAME=value"; empty: it is none.
std::string nameOf(std::string_view assignment) {
  const size_t equals = assignment.find('=');
  if (equals == 0 || equals == std::string_view::npos) return "";
  const std::string_view name = trimmed(assignment.substr(0, equals));
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return std::all_of(name.begin(), name.end(), allowed) ? std::string(name) : "";
}

/// NAME=value words, each in quotes or not (systemd.exec(5)).
std::vector<std::string> unitNames(std::string_view text) {
  std::vector<std::string> names;
  char quote = 0;
  std::string word;
  const auto end = [&] {
    if (std::string name = nameOf(word); !name.empty()) names.push_back(std::move(name));
    word.clear();
  };
  for (const char c : text) {
    if (quote != 0 ? c == quote : c == '"' || c == '\'') {
      quote = quote != 0 ? '\0' : c;
    } else if (quote == 0 && kBlanks.find(c) != std::string_view::npos) {
      end();
    } else {
      word += c;
    }
  }
  end();
  return names;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::vector<std::string> candidates(const HostFiles& files) {
  std::vector<std::string> found;
  for (const std::string& name : files.list("/etc/default"))
    found.push_back("/etc/default/" + name);
  for (const std::string& name : files.list(kUnits)) {
    const std::string path = std::string(kUnits) + "/" + name;
    if (name.ends_with(".service")) found.push_back(path);
    if (!name.ends_with(".service.d")) continue;
    for (const std::string& part : files.list(path)) {
      if (!part.ends_with(".conf")) continue;
      found.push_back(path);
      found.back().append("/").append(part);
    }
  }
  return found;
}

}  // namespace

std::vector<StoreSetting> settingsIn(const std::string& file, std::string_view text) {
  std::vector<StoreSetting> settings;
  std::istringstream stream{std::string(text)};
  std::string line;
  for (size_t number = 1; std::getline(stream, line); ++number) {
    std::string_view rest = trimmed(line);
    if (rest.empty() || rest.front() == '#' || rest.front() == ';') continue;
    std::vector<std::string> names;
    if (isUnit(file)) {
      if (rest.starts_with(kEnvironment)) names = unitNames(rest.substr(kEnvironment.size()));
    } else {
      if (rest.starts_with("export ")) rest = trimmed(rest.substr(std::string_view("export ").size()));
      names.push_back(nameOf(rest));
    }
    for (std::string& name : names) {
      if (!name.empty()) settings.push_back({std::move(name), file, number});
    }
  }
  return settings;
}

std::vector<StoreSetting> findStoreSettings(const HostFiles& files, const std::string& store,
                                            const std::vector<std::string>& variables) {
  std::vector<StoreSetting> found;
  for (const std::string& path : candidates(files)) {
    const std::optional<std::string> text = files.read(path);
    if (!text || lower(path + *text).find(store) == std::string::npos) continue;
    for (StoreSetting& setting : settingsIn(path, *text)) {
      if (std::find(variables.begin(), variables.end(), setting.variable) != variables.end())
        found.push_back(std::move(setting));
    }
  }
  return found;
}

}  // namespace peerpulse::cli
