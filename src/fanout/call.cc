#include "call.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "peerpulse/base/duration_text.h"
#include "peerpulse/upstream/deadlines.h"

namespace peerpulse::fanout {

namespace {

constexpr std::string_view kOwnFields = "peerpulse-";
constexpr size_t kQuoted = 64;  // of a caller's text in a message

struct Endpoint {
  std::string_view prefix;
  Operation operation;
  std::string_view methods[2];
};
constexpr Endpoint kEndpoints[] = {
    {"/quorum/", Operation::kQuorum, {"POST", "PUT"}},
    {"/aggregate/", Operation::kAggregate, {"GET", ""}},
    {"/notify/", Operation::kNotify, {"POST", ""}},
};

std::string quote(std::string_view text) {
  return "\"" + std::string(text.substr(0, kQuoted)) + (text.size() > kQuoted ? "...\"" : "\"");
}

Refusal badRequest(std::string error, std::string message) { return {400, std::move(error), std::move(message), {}}; }

const Endpoint* endpointOf(std::string_view path) {
  const auto matches = [&](const Endpoint& e) { return path.substr(0, e.prefix.size()) == e.prefix; };
  const auto* found = std::find_if(std::begin(kEndpoints), std::end(kEndpoints), matches);
  return found == std::end(kEndpoints) ? nullptr : found;
}

bool takes(const Endpoint& endpoint, std::string_view method) {
  return !method.empty() && (method == endpoint.methods[0] || method == endpoint.methods[1]);
}

Refusal notFound(std::string_view path) {
  return {404,
          "not_found",
          "there is no " + quote(path) + " here: /quorum/<path>, /aggregate/<path>, /notify/<path>",
          {}};
}

Refusal notAllowed(const http::RequestHead& head, const Endpoint& endpoint) {
  std::string allow(endpoint.methods[0]);
  if (!endpoint.methods[1].empty()) allow += ", " + std::string(endpoint.methods[1]);
  return {405, "method_not_allowed", std::string(endpoint.prefix) + " takes " + allow + ", not " + quote(head.method),
          allow};
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string namesOf(const upstream::PeerSet& peers) {
  std::string names;
  for (const upstream::PeerOptionsRef& peer : peers)
    names += (names.empty() ? "" : ", ") + peer->name;
  return names;
}

std::optional<Refusal> readTargets(const http::HeaderList& fields, const upstream::PeerSet& peers, Call& call) {
  const std::string_view given = fields.find("peerpulse-peers");
  if (given.data() == nullptr) {
    call.targets.assign(peers.begin(), peers.end());
    return std::nullopt;
  }
  for (std::string_view rest = given; !rest.empty();) {
    const std::string_view name = trimmed(rest.substr(0, rest.find(',')));
    rest.remove_prefix(
        std::min(rest.size(), rest.find(',') == std::string_view::npos ? rest.size() : rest.find(',') + 1));
    const upstream::PeerOptionsRef* peer = peers.find(name);
    if (peer == nullptr) {
      return badRequest("unknown_peer", "peerpulse-peers: " + quote(name) + " is not one of " + namesOf(peers));
    }
    if (std::find(call.targets.begin(), call.targets.end(), *peer) != call.targets.end()) {
      return badRequest("duplicate_peer", "peerpulse-peers: " + quote(name) + " is named twice");
    }
    call.targets.push_back(*peer);
  }
  if (call.targets.empty()) return badRequest("no_peers", "peerpulse-peers: names no peer; leave it out for all");
  return std::nullopt;
}

std::optional<Refusal> readQuorum(const http::HeaderList& fields, size_t nodes, Call& call) {
  std::string_view given = trimmed(fields.find("peerpulse-quorum"));
  const auto targets = static_cast<uint32_t>(call.targets.size());
  if (given.empty()) given = "majority";
  if (given == "majority") {
    call.required = static_cast<uint32_t>(nodes / 2 + 1);
  } else if (given == "all") {
    call.required = targets;
  } else {
    const auto [at, error] = std::from_chars(given.data(), given.data() + given.size(), call.required);
    if (error != std::errc() || at != given.data() + given.size() || call.required == 0) {
      return badRequest("bad_quorum",
                        "peerpulse-quorum: " + quote(given) + ": expected majority, all, or a number above 0");
    }
  }
  if (call.required <= targets) return std::nullopt;
  return badRequest("quorum_impossible", "peerpulse-quorum: " + std::string(given) + " is " +
                                             std::to_string(call.required) + ", but only " + std::to_string(targets) +
                                             " peers are asked: name more peers, or a number");
}

std::optional<Refusal> readDeadline(const http::HeaderList& fields, Call& call) {
  const std::string_view own = fields.find("peerpulse-timeout");
  const std::string_view grpc = fields.find("grpc-timeout");
  if (grpc.data() != nullptr) call.deadline = upstream::parseGrpcTimeout(grpc);
  if (own.data() == nullptr) return std::nullopt;
  const auto duration = parseDuration(trimmed(own));
  if (!duration || *duration <= Duration::zero()) {
    return badRequest("bad_timeout",
                      "peerpulse-timeout: " + quote(own) + ": expected a duration such as 500ms or 2s");
  }
  call.deadline = call.deadline ? std::min(*call.deadline, *duration) : *duration;
  return std::nullopt;
}

}  // namespace

const char* toString(Operation operation) {
  switch (operation) {
    case Operation::kQuorum: return "quorum";
    case Operation::kAggregate: return "aggregate";
    case Operation::kNotify: return "notify";
  }
  return "?";
}

std::variant<Call, Refusal> readCall(const http::RequestHead& head, const upstream::PeerSet& peers) {
  const Endpoint* endpoint = endpointOf(head.path);
  if (endpoint == nullptr) return notFound(head.path);
  if (!takes(*endpoint, head.method)) return notAllowed(head, *endpoint);
  Call call;
  call.operation = endpoint->operation;
  call.path = head.path.substr(endpoint->prefix.size() - 1);
  if (auto refusal = readTargets(head.headers, peers, call)) return *refusal;
  if (call.operation == Operation::kQuorum) {
    if (auto refusal = readQuorum(head.headers, peers.size() + 1, call)) return *refusal;
  }
  if (auto refusal = readDeadline(head.headers, call)) return *refusal;
  return call;
}

http::RequestHead headFor(const http::RequestHead& head, const Call& call, const upstream::PeerOptions& peer) {
  http::RequestHead out;
  out.method = head.method;
  out.scheme = head.scheme;
  out.authority = peer.address.toString();
  out.path = call.path;
  out.version = head.version;
  out.contentLength = head.contentLength;
  out.complete = head.complete;
  for (size_t i = 0; i < head.headers.count(); ++i) {
    const http::HeaderField field = head.headers.at(i);
    const bool ours = http::equalsIgnoreCase(field.name.substr(0, kOwnFields.size()), kOwnFields);
    // Whoever asked us to go on was told so by us.
    if (!ours && !http::equalsIgnoreCase(field.name, "expect")) out.headers.add(field.name, field.value);
  }
  return out;
}

}  // namespace peerpulse::fanout
