#include "json_document.h"

#include <set>
#include <vector>

namespace peerpulse::config {

namespace {

constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxDescribed = 80;

/// Follows the parser's events and reports keys that an object has twice.
class DuplicateFinder {
 public:
  explicit DuplicateFinder(ErrorList& errors) : errors_(errors) {}

  void onEvent(Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    switch (event) {
      case Event::object_start:
      case Event::array_start:
        enterValue();
        open_.push_back({.isArray = event == Event::array_start});
        return;
      case Event::object_end:
      case Event::array_end: open_.pop_back(); return;
      case Event::key:
        open_.back().segment = parsed.get<std::string>();
        if (!open_.back().keys.insert(open_.back().segment).second) {
          errors_.add(pointer() + ": duplicate key");
        }
        return;
      case Event::value: enterValue(); return;
    }
  }

  size_t depth() const { return open_.size(); }

 private:
  struct Container {
    bool isArray = false;
    std::set<std::string> keys{};
    std::string segment{};  // of the member being read
    size_t count = 0;
  };

  void enterValue() {
    if (!open_.empty() && open_.back().isArray) open_.back().segment = std::to_string(open_.back().count++);
  }

  std::string pointer() const {
    std::string p;
    for (const Container& c : open_)
      p = pointerTo(p, c.segment);
    return p;
  }

  ErrorList& errors_;
  std::vector<Container> open_;
};

/// The parser's own words without its error code: "line 3, column 5: unexpected '}'; expected ...".
std::string syntaxMessage(const std::string& what) {
  constexpr std::string_view kBefore = "parse error at ";
  const size_t at = what.find(kBefore);
  return at == std::string::npos ? what : what.substr(at + kBefore.size());
}

}  // namespace

std::string pointerTo(const std::string& prefix, std::string_view key) {
  std::string p = prefix + "/";
  for (const char c : key) {
    if (c == '~') {
      p += "~0";
    } else if (c == '/') {
      p += "~1";
    } else {
      p += c;
    }
  }
  return p;
}

std::string describe(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kMaxDescribed) text = text.substr(0, kMaxDescribed) + "...";
  return text;
}

Json parseJson(std::string_view text, ErrorList& errors) {
  DuplicateFinder duplicates(errors);
  bool tooDeep = false;
  const auto onEvent = [&](int, Json::parse_event_t event, Json& parsed) {
    duplicates.onEvent(event, parsed);
    tooDeep = tooDeep || duplicates.depth() > kMaxDepth;
    return true;
  };
  try {
    Json root = Json::parse(text.begin(), text.end(), onEvent);
    if (tooDeep) errors.add("nested deeper than " + std::to_string(kMaxDepth) + " levels");
    if (!root.is_object()) errors.add("", describe(root), "an object");
    return root;
  } catch (const Json::exception& e) {
    errors.add(syntaxMessage(e.what()));
    return {};
  }
}

}  // namespace peerpulse::config
