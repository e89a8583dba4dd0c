#include "admin_client.h"

#include <cctype>
#include <cerrno>
#include <utility>

#include "json_field.h"
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

constexpr int kMostDepth = 32;
constexpr size_t kMostValues = 1'000'000;  // some five times what a thousand peers need
constexpr const char* kEventStream = "text/event-stream";
constexpr const char* kWhereItIs = " (--admin, --config or PEERPULSE_ADMIN say where it is)";

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

Error AdminClient::somebodyElse(const HttpRequest& request, const HttpResponse& response) const {
  const std::string type(response.headers.find("content-type"));
  return {"what answers at " + address_.toString() + " is not the admin of peerpulse: to " + request.method + " " +
              request.path + " it says status " + std::to_string(response.status) + ", " +
              (type.empty() ? "of no type" : type) + ", " + std::to_string(response.body.size()) + " bytes" +
              kWhereItIs,
          EPROTO};
}

Error AdminClient::refusal(const HttpRequest& request, const HttpResponse& response) const {
  const Json json = parseJson(response.body);
  if (textAt(json, "/error").empty() || textAt(json, "/message").empty()) return somebodyElse(request, response);
  const std::string pointer = textAt(json, "/pointer");
  return Error{(pointer.empty() ? "" : pointer + ": ") + textAt(json, "/message")};
}

Result<AdminAnswer> AdminClient::ask(const HttpRequest& request, Fields fields) const {
  auto response = httpRequest(address_, request, Deadline(kPatience));
  if (!response) return unreachable(response.error());
  if (response->status != 200) return refusal(request, *response);
  Json json = parseJson(response->body);
  for (const char* field : fields) {
    if (at(json, field) == nullptr) return somebodyElse(request, *response);
  }
  return AdminAnswer{std::move(response->body), std::move(json)};
}

Result<AdminAnswer> AdminClient::peers() const {
  return ask(request("/peers"), {"/node", "/local_health", "/peers"});
}

Result<AdminAnswer> AdminClient::peer(const std::string& name) const {
  return ask(request("/peers/" + pathSegment(name)), {"/name", "/verdict", "/circuit"});
}

Result<AdminAnswer> AdminClient::cluster() const { return ask(request("/cluster"), {"/size", "/quorum", "/status"}); }

Result<AdminAnswer> AdminClient::config() const { return ask(request("/config"), {"/peers"}); }

Result<AdminAnswer> AdminClient::history() const { return ask(request("/events?history=1"), {"/node", "/events"}); }

Result<std::string> AdminClient::metrics() const {
  const auto answer = ask(request("/metrics"), {});
  if (!answer) return answer.error();
  return answer->text;
}

Result<AdminAnswer> AdminClient::override(const std::string& peer, const Json& order,
                                          const std::string& token) const {
  HttpRequest post = request("/peers/" + pathSegment(peer) + "/circuit");
  post.method = "POST";
  post.headers.add("content-type", "application/json");
  if (!token.empty()) post.headers.add("authorization", "Bearer " + token);
  post.body = order.dump(-1, ' ', false, Json::error_handler_t::replace);
  return ask(post, {"/peer", "/state"});
}

Result<void> AdminClient::follow(const std::string& after, const OnBody& onText) const {
  HttpRequest live = request("/events");
  live.headers.add("accept", kEventStream);
  if (!after.empty()) live.headers.add("last-event-id", after);
  const auto response = httpStream(address_, live, Deadline(kPatience), {.type = kEventStream}, onText);
  if (!response) return unreachable(response.error());
  if (response->status != 200) return refusal(live, *response);
  if (!response->headers.find("content-type").starts_with(kEventStream)) return somebodyElse(live, *response);
  return {};
}

Json parseJson(const std::string& text) {
  bool tooMuch = false;
  size_t values = 0;
  const auto bounded = [&](int depth, Json::parse_event_t, Json&) {
    tooMuch = tooMuch || depth > kMostDepth || ++values > kMostValues;
    return !tooMuch;
  };
  Json json = Json::parse(text, bounded, false);
  return tooMuch || json.is_discarded() ? Json() : json;
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
