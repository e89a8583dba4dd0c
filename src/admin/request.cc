#include "request.h"

namespace peerpulse::admin {

Request::Request(http::RequestHead&& head)
    : method(std::move(head.method)), authority(std::move(head.authority)), headers(std::move(head.headers)) {
  const size_t question = head.path.find('?');
  path = head.path.substr(0, question);
  if (question != std::string::npos) query = head.path.substr(question + 1);
}

namespace {

/// The first part of the query that `accept(part)` has something for.
template <typename Accept>
auto findPart(std::string_view rest, Accept accept) -> decltype(accept(rest)) {
  while (true) {
    const size_t end = rest.find('&');
    if (const auto found = accept(rest.substr(0, end)); found || end == std::string_view::npos) return found;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace

bool Request::hasParameter(std::string_view parameter) const {
  return findPart(query, [&](std::string_view part) { return part == parameter; });
}

std::optional<std::string_view> Request::parameter(std::string_view name) const {
  return findPart(query, [&](std::string_view part) -> std::optional<std::string_view> {
    if (part == name) return "";
    if (!part.starts_with(name) || part[name.size()] != '=') return std::nullopt;
    return part.substr(name.size() + 1);
  });
}

}  // namespace peerpulse::admin
