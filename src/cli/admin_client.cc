#include "admin_client.h"

#include <array>
#include <cctype>

#include "peerpulse/config/config.h"

namespace peerpulse::cli {

namespace {

SocketAddress reachable(const SocketAddress& listen) {
  const std::string text = listen.toString();
  const std::string port = std::to_string(listen.port());
  if (text.starts_with("0.0.0.0:")) return *SocketAddress::parse("127.0.0.1:" + port);
  if (text.starts_with("[::]:")) return *SocketAddress::parse("[::1]:" + port);
  return listen;
}

/// What the admin says in an answer that is no success.
Error refusal(const HttpResponse& response) {
  const Json json = Json::parse(response.body, nullptr, false);
  std::string message = "the admin answered " + std::to_string(response.status);
  if (json.is_object() && json.contains("message") && json["message"].is_string()) {
    message = json["message"].get<std::string>();
    const auto pointer = json.find("pointer");
    if (pointer != json.end() && pointer->is_string()) message = pointer->get<std::string>() + ": " + message;
  }
  return Error{message};
}

}  // namespace

Result<SocketAddress> adminAddress(const AdminWhere& where) {
  if (where.address.empty() && !where.configFile.empty()) {
    const auto config = config::load(where.configFile, config::processEnvironment());
    if (!config) return config.error();
    return reachable(config->admin.listen);
  }
  std::string text = where.address;
  if (text.empty()) text = where.environment;
  if (text.empty()) text = kDefaultAdmin;
  if (text.starts_with("/")) text = "unix:" + text;
  if (text.starts_with("localhost:")) text.replace(0, 9, "127.0.0.1");
  auto address = SocketAddress::parse(text);
  if (!address) return address.error();
  return reachable(*address);
}

HttpRequest AdminClient::request(const std::string& path) const {
  HttpRequest request;
  request.path = path;
  request.authority = address_.isUnix() ? "localhost" : address_.toString();
  return request;
}

Error AdminClient::unreachable(const Error& error) const {
  return {"no answer from the admin of peerpulse at " + address_.toString() + ": " + error.message +
              " (does it run? --admin, --config or PEERPULSE_ADMIN say where it is)",
          error.code != 0 ? error.code : EIO};
}

Result<AdminAnswer> AdminClient::ask(const HttpRequest& request) const {
  const auto response = httpRequest(address_, request, Deadline(kPatience));
  if (!response) return unreachable(response.error());
  if (response->status / 100 != 2) return refusal(*response);
  Json json = Json::parse(response->body, nullptr, false);
  if (json.is_discarded()) json = Json();  // metrics
  return AdminAnswer{response->body, std::move(json)};
}

Result<AdminAnswer> AdminClient::get(const std::string& path) const { return ask(request(path)); }

Result<AdminAnswer> AdminClient::post(const std::string& path, const Json& body, const std::string& token) const {
  HttpRequest order = request(path);
  order.method = "POST";
  order.headers.add("content-type", "application/json");
  if (!token.empty()) order.headers.add("authorization", "Bearer " + token);
  order.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return ask(order);
}

Result<void> AdminClient::follow(const std::string& after, const OnBody& onText) const {
  HttpRequest live = request("/events");
  live.headers.add("accept", "text/event-stream");
  if (!after.empty()) live.headers.add("last-event-id", after);
  const auto response = httpStream(address_, live, Deadline(kPatience), onText);
  if (!response) return unreachable(response.error());
  if (response->status != 200) return refusal(*response);
  return {};
}

std::string pathSegment(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::string_view("-._~").find(c) != std::string_view::npos) {
      text += c;
    } else {
      constexpr char kDigits[] = "0123456789ABCDEF";
      text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return text;
}

}  // namespace peerpulse::cli
