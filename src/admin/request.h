// Request and Response: what handlers see of an exchange; framing and sockets are the connection's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "peerpulse/http/message.h"

namespace peerpulse::admin {

struct Request {
  std::string method;
  std::string path;   ///< without the query, percent-encoding untouched
  std::string query;  ///< without '?'
  std::string authority;
  http::HeaderList headers;
  std::string body;

  explicit Request(http::RequestHead&& head);
  bool isRead() const { return method == "GET" || method == "HEAD"; }
  /// Whether the query holds `parameter` ("history=1") as one of its parts.
  bool hasParameter(std::string_view parameter) const;
  /// What stands behind "name=" in the query, undecoded; nothing if there is no such part ("name" alone is "").
  std::optional<std::string_view> parameter(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string contentType{};
  std::string body{};
  std::string cacheControl = "no-store";
  std::vector<std::pair<std::string, std::string>> headers{};
};

}  // namespace peerpulse::admin
