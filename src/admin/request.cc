#include "request.h"

namespace peerpulse::admin {

Request::Request(http::RequestHead&& head)
    : method(std::move(head.method)), authority(std::move(head.authority)), headers(std::move(head.headers)) {
  const size_t question = head.path.find('?');
  path = head.path.substr(0, question);
  if (question != std::string::npos) query = head.path.substr(question + 1);
}

bool Request::hasParameter(std::string_view parameter) const {
  std::string_view rest = query;
  while (true) {
    const size_t end = rest.find('&');
    if (rest.substr(0, end) == parameter) return true;
    if (end == std::string_view::npos) return false;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace peerpulse::admin
