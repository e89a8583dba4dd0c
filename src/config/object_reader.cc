#include "object_reader.h"

#include <algorithm>

#include "suggest.h"

namespace peerpulse::config {

namespace {

bool isInside(std::string_view pointer, std::string_view parent) {
  return pointer.size() > parent.size() && pointer.starts_with(parent) && pointer[parent.size()] == '/';
}

}  // namespace

void ObjectReader::read(const Json& object, const std::string& pointer) {
  if (!object.is_object()) {
    errors_.add(pointer, describe(object), "an object");
    return;
  }
  for (const auto& [key, value] : object.items())
    readMember(key, value, pointer);
}

void ObjectReader::readMember(const std::string& key, const Json& value, const std::string& parent) {
  const std::string pointer = pointerTo(parent, key);
  if (std::find(handled_.begin(), handled_.end(), pointer) != handled_.end()) return;
  for (const Field& field : fields_) {
    if (field.pointer == pointer) {
      seen_.insert(pointer);
      readField(field, value, pointer, errors_);
      return;
    }
    if (isInside(field.pointer, pointer)) {
      read(value, pointer);
      return;
    }
  }
  unknownKey(key, parent);
}

std::vector<std::string> ObjectReader::childrenOf(const std::string& parent) const {
  std::vector<std::string> children;
  const auto addChild = [&](const std::string& pointer) {
    if (!isInside(pointer, parent)) return;
    std::string child = pointer.substr(parent.size() + 1);
    child.resize(std::min(child.find('/'), child.size()));
    if (std::find(children.begin(), children.end(), child) == children.end()) children.push_back(std::move(child));
  };
  for (const Field& field : fields_)
    addChild(field.pointer);
  for (const std::string& pointer : handled_)
    addChild(pointer);
  return children;
}

void ObjectReader::unknownKey(const std::string& key, const std::string& parent) {
  const std::vector<std::string> known = childrenOf(parent);
  std::string meant = nearest(key, known);
  if (meant.empty()) {
    // The right word in the wrong place.
    for (const Field& field : fields_) {
      if (field.pointer.ends_with("/" + key)) meant = field.pointer;
    }
  }
  std::string list;
  for (const std::string& name : known)
    list += (list.empty() ? "" : ", ") + name;
  // Escaped as JSON: whatever the file holds, the error is one printable line.
  const std::string quoted = describe(Json(key));
  errors_.add(pointerTo(parent, std::string_view(quoted).substr(1, quoted.size() - 2)), "an unknown key",
              meant.empty() ? "one of " + list : "a known one: did you mean \"" + meant + "\"?");
}

}  // namespace peerpulse::config
