#include "peerpulse/log/request_path.h"

namespace peerpulse::log {

std::string loggedPath(std::string_view path, bool showQuery) {
  const size_t query = showQuery ? std::string_view::npos : path.find('?');
  std::string shown(path.substr(0, query).substr(0, kMaxLoggedPath));
  if (query != std::string_view::npos) shown += "?*";
  return shown;
}

}  // namespace peerpulse::log
