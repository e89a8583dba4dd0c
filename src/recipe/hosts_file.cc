#include "peerpulse/recipe/hosts_file.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>

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

bool isMark(const std::string& line, std::string_view mark) {
  // An editor may have given all lines other ends.
  return std::string_view(line).substr(0, line.find_last_not_of(" \t\r\n") + 1) == mark.substr(0, mark.size() - 1);
}
bool isBegin(const std::string& line) { return isMark(line, kBegin) || isMark(line, kBeginMidLine); }

/// Address and the names that are none of ours, of a line that has some of ours too; empty: it has none, or no others.
std::string othersOf(const std::string& line, const std::vector<HostEntry>& hosts) {
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
  return names && !others.empty() ? found[0] + others : "";
}

bool namesOurs(const std::string& line, const std::vector<HostEntry>& hosts) {
  const std::vector<std::string> found = words(line);
  return std::any_of(found.begin() + (found.empty() ? 0 : 1), found.end(),
                     [&](const std::string& name) { return isOurs(name, hosts); });
}

/// Tells the block's own lines from those that somebody has put into it.
class Block {
 public:
  Block(const std::vector<std::string>& all, const std::vector<HostEntry>& ours) : ours_(ours) {
    for (const std::string& line : all) {
      if (!line.starts_with(kOff)) continue;
      if (auto off = words(line.substr(std::string_view(kOff).size())); !off.empty()) off_.push_back(std::move(off));
    }
  }
  bool has(const std::string& line) const {
    if (ours_.empty() || isMoved(line)) return true;
    // With other names beside ours it is not what a recipe writes.
    return namesOurs(line, ours_) && othersOf(line, ours_).empty();
  }
  /// Line by line as we wrote it: where its end is not known any more.
  bool hasExactly(const std::string& line) const {
    if (ours_.empty()) return false;
    std::string plain;
    for (const std::string& word : words(line))
      plain += (plain.empty() ? "" : " ") + word;
    return (isMoved(line) && isMark(line, plain + "\n")) ||
           std::any_of(ours_.begin(), ours_.end(),
                       [&](const HostEntry& host) { return isMark(line, host.address + " " + host.name + "\n"); });
  }

 private:
  /// Names of a line that is switched off: what they say is there again when that one is switched on.
  bool isMoved(const std::string& line) const {
    const std::vector<std::string> found = words(line);
    return found.size() > 1 && std::any_of(off_.begin(), off_.end(), [&](const std::vector<std::string>& off) {
             return off[0] == found[0] && std::all_of(found.begin() + 1, found.end(), [&](const std::string& name) {
                      return std::find(off.begin() + 1, off.end(), name) != off.end();
                    });
           });
  }

  const std::vector<HostEntry>& ours_;
  std::vector<std::vector<std::string>> off_;
};

struct Rest {
  std::string text;
  size_t strangers = 0;
};

// A block whose end somebody has taken away is no block any more: what follows its beginning may be his.
Rest without(const std::string& text, const std::vector<HostEntry>& ours) {
  Rest rest;
  const std::vector<std::string> all = lines(text);
  const Block block(all, ours);
  for (auto line = all.begin(); line != all.end(); ++line) {
    if (!isBegin(*line)) {
      rest.text += line->starts_with(kOff) ? line->substr(std::string_view(kOff).size()) : *line;
      continue;
    }
    const bool midLine = isMark(*line, kBeginMidLine);
    const auto end = std::find_if(line, all.end(), [](const std::string& each) { return isMark(each, kEnd); });
    if (end == all.end()) {
      while (std::next(line) != all.end() && block.hasExactly(*std::next(line)))
        ++line;
      continue;
    }
    std::string strangers;
    while (++line != end) {
      if (block.has(*line)) continue;
      strangers += *line;
      ++rest.strangers;
    }
    // The line's end in front of the block is ours as long as nothing else was put behind it.
    if (midLine && strangers.empty() && !rest.text.empty() && std::next(end) == all.end()) rest.text.pop_back();
    rest.text += strangers;
  }
  return rest;
}

}  // namespace

std::string withHosts(const std::string& text, const std::vector<HostEntry>& hosts,
                      const std::vector<HostEntry>& before) {
  std::string result;
  std::string block;
  for (const HostEntry& host : hosts)
    block += host.address + " " + host.name + "\n";
  for (const std::string& line : lines(withoutHosts(text, before))) {
    result += (namesOurs(line, hosts) ? kOff : "") + line;
    if (const std::string others = othersOf(line, hosts); !others.empty()) block += others + "\n";
  }
  const bool midLine = !result.empty() && result.back() != '\n';
  return result + (midLine ? "\n" : "") + (midLine ? kBeginMidLine : kBegin) + block + kEnd;
}

std::string withoutHosts(const std::string& text, const std::vector<HostEntry>& ours) {
  return without(text, ours).text;
}

size_t strangersIn(const std::string& text, const std::vector<HostEntry>& ours) {
  return without(text, ours).strangers;
}

}  // namespace peerpulse::recipe
