#include "peerpulse/recipe/hosts_file.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <sstream>

namespace peerpulse::recipe {

namespace {

constexpr const char* kBegin = "# BEGIN peerpulse recipe (do not edit: peerpulse recipe --undo)\n";
/// After a text that did not end with a line's end: that is ours, too.
constexpr const char* kBeginMidLine = "# BEGIN peerpulse recipe (do not edit: peerpulse recipe --undo) .\n";
constexpr const char* kEnd = "# END peerpulse recipe\n";
constexpr const char* kOff = "#peerpulse-off# ";

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// Address and names of a line, its comment left out.
std::vector<std::string> words(const std::string& line) {
  std::istringstream stream(line.substr(0, line.find('#')));
  std::vector<std::string> found;
  for (std::string word; stream >> word;)
    found.push_back(word);
  return found;
}

/// With their ends.
std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> found;
  for (size_t from = 0; from < text.size();) {
    const size_t end = text.find('\n', from);
    const size_t to = end == std::string::npos ? text.size() : end + 1;
    found.push_back(text.substr(from, to - from));
    from = to;
  }
  return found;
}

bool isOurs(const std::string& name, const std::vector<HostEntry>& hosts) {
  return std::any_of(hosts.begin(), hosts.end(),
                     [&](const HostEntry& host) { return lower(host.name) == lower(name); });
}

}  // namespace

std::string withHosts(const std::string& text, const std::vector<HostEntry>& hosts) {
  std::string result;
  std::string block;
  for (const HostEntry& host : hosts)
    block += host.address + " " + host.name + "\n";
  for (const std::string& line : lines(withoutHosts(text))) {
    const std::vector<std::string> found = words(line);
    std::string others;
    bool names = false;
    for (size_t i = 1; i < found.size(); ++i) {
      if (isOurs(found[i], hosts)) {
        names = true;
      } else {
        others += " " + found[i];
      }
    }
    result += (names ? kOff : "") + line;
    if (names && !others.empty()) block += found[0] + others + "\n";
  }
  const bool midLine = !result.empty() && result.back() != '\n';
  return result + (midLine ? "\n" : "") + (midLine ? kBeginMidLine : kBegin) + block + kEnd;
}

// A block whose end somebody has taken away is no block any more: what follows its beginning may be his.
std::string withoutHosts(const std::string& text) {
  std::string result;
  const std::vector<std::string> all = lines(text);
  for (auto line = all.begin(); line != all.end(); ++line) {
    if (*line != kBegin && *line != kBeginMidLine) {
      result += line->starts_with(kOff) ? line->substr(std::string_view(kOff).size()) : *line;
      continue;
    }
    const bool midLine = *line == kBeginMidLine;
    const auto end = std::find(line, all.end(), kEnd);
    if (end == all.end()) continue;
    line = end;
    // Ours as long as nothing else was put behind it.
    if (midLine && !result.empty() && std::next(end) == all.end()) result.pop_back();
  }
  return result;
}

}  // namespace peerpulse::recipe
