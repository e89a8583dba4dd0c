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
  std::string_view methods[3];
};
constexpr Endpoint kEndpoints[] = {
    {"/quorum/", Operation::kQuorum, {"POST", "PUT", "GET"}},
    {"/aggregate/", Operation::kAggregate, {"GET"}},
    {"/notify/", Operation::kNotify, {"POST"}},
    {"/erasure/", Operation::kErasure, {"PUT"}},
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
  return !method.empty() &&
         std::find(std::begin(endpoint.methods), std::end(endpoint.methods), method) != std::end(endpoint.methods);
}

Refusal notFound(std::string_view path) {
  return {404,
          "not_found",
          "there is no " + quote(path) +
              " here: /quorum/<path>, /aggregate/<path>, /notify/<path>, "
              "/erasure/<set>/<shard>/<path>",
          {}};
}

Refusal notAllowed(const http::RequestHead& head, const Endpoint& endpoint) {
  std::string allow;
  for (const std::string_view method : endpoint.methods) {
    if (!method.empty()) allow += (allow.empty() ? "" : ", ") + std::string(method);
  }
  return {405, "method_not_allowed", std::string(endpoint.prefix) + " takes " + allow + ", not " + quote(head.method),
          allow};
}

// Browsers let any page send simple requests to loopback addresses; programs have no origin.
Refusal ofAPage() {
  return {
      403, "forbidden", "requests of web pages (they have an origin field) are refused: the API is for programs", {}};
}

/// A field in several lines is one list (RFC 9110 5.3); where no list is expected, that is no value.
std::optional<std::string> valueOf(const http::HeaderList& fields, std::string_view name) {
  std::optional<std::string> value;
  for (size_t i = 0; i < fields.count(); ++i) {
    const http::HeaderField field = fields.at(i);
    if (!http::equalsIgnoreCase(field.name, name)) continue;
    value = value ? *value + ", " + std::string(field.value) : std::string(field.value);
  }
  return value;
}

std::string namesOf(const upstream::PeerSet& peers) {
  std::string names;
  for (const upstream::PeerOptionsRef& peer : peers)
    names += (names.empty() ? "" : ", ") + peer->name;
  return names;
}

std::optional<Refusal> readTargets(const http::HeaderList& fields, const upstream::PeerSet& peers, Call& call) {
  const std::optional<std::string> given = valueOf(fields, "peerpulse-peers");
  if (!given) {
    for (const upstream::PeerOptionsRef& peer : peers)
      call.targets.push_back({peer, call.path, {}});
    return std::nullopt;
  }
  for (std::string_view rest = *given; !rest.empty();) {
    const std::string_view name = http::trimmed(rest.substr(0, rest.find(',')));
    rest.remove_prefix(
        std::min(rest.size(), rest.find(',') == std::string_view::npos ? rest.size() : rest.find(',') + 1));
    const upstream::PeerOptionsRef* peer = peers.find(name);
    if (peer == nullptr) {
      return badRequest("unknown_peer", "peerpulse-peers: " + quote(name) + " is not one of " + namesOf(peers));
    }
    const auto same = [&](const Target& target) { return target.peer == *peer; };
    if (std::any_of(call.targets.begin(), call.targets.end(), same)) {
      return badRequest("duplicate_peer", "peerpulse-peers: " + quote(name) + " is named twice");
    }
    call.targets.push_back({*peer, call.path, {}});
  }
  if (call.targets.empty()) return badRequest("no_peers", "peerpulse-peers: names no peer; leave it out for all");
  return std::nullopt;
}

std::optional<Refusal> readQuorum(const http::HeaderList& fields, size_t nodes, Call& call) {
  const std::string value = valueOf(fields, "peerpulse-quorum").value_or("");
  std::string_view given = http::trimmed(value);
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

/// Takes what is before the next slash off `rest`.
std::string_view takeSegment(std::string_view& rest) {
  const std::string_view segment = rest.substr(0, rest.find('/'));
  rest.remove_prefix(std::min(rest.size(), segment.size() + 1));
  return segment;
}

std::string setNames(const Options& options) {
  std::string names;
  for (const ErasureSet& set : options.erasureSets)
    names += (names.empty() ? "" : ", ") + set.name;
  return names.empty() ? "none (erasure_sets)" : names;
}

// Disks of this node are written by whoever asks: there is nobody to ask here.
std::optional<Refusal> readShard(const upstream::PeerSet& peers, const Options& options, Call& call) {
  std::string_view rest = std::string_view(call.path).substr(1);
  const std::string_view name = takeSegment(rest);
  const std::string_view shardText = takeSegment(rest);
  const auto found = std::find_if(options.erasureSets.begin(), options.erasureSets.end(),
                                  [&](const ErasureSet& set) { return set.name == name; });
  if (found == options.erasureSets.end()) {
    return Refusal{
        404, "unknown_set", "there is no erasure set " + quote(name) + "; there are: " + setNames(options), {}};
  }
  size_t shard = 0;
  const auto [at, error] = std::from_chars(shardText.data(), shardText.data() + shardText.size(), shard);
  if (error != std::errc() || at != shardText.data() + shardText.size() || shard >= found->disks.size()) {
    return Refusal{404,
                   "unknown_shard",
                   "erasure set " + found->name + " has no shard " + quote(shardText) +
                       ": expected a number from 0 to " + std::to_string(found->disks.size() - 1),
                   {}};
  }
  const auto add = [&](const Disk& disk) {
    const upstream::PeerOptionsRef* peer = peers.find(std::string_view(disk.node));
    if (peer != nullptr) call.targets.push_back({*peer, "/" + disk.path + "/" + std::string(rest), disk.name()});
    return peer != nullptr;
  };
  if (!add(found->disks[shard])) {
    return badRequest("local_shard", "shard " + std::to_string(shard) + " of " + found->name + " is on " +
                                         found->disks[shard].name() + ", a disk of this node: write it yourself");
  }
  for (const Disk& spare : found->spares)
    add(spare);
  return std::nullopt;
}

// A write that is sent twice is another one.
std::optional<Refusal> readHedge(const http::RequestHead& head, const Options& options, Call& call) {
  const bool possible = call.read && head.complete;
  const std::optional<std::string> value = valueOf(head.headers, "peerpulse-hedge");
  if (!value) {
    if (possible) call.hedge = options.hedge;
    return std::nullopt;
  }
  const std::string_view given = http::trimmed(*value);
  if (given == "off") return std::nullopt;
  call.hedge.automatic = given == "auto";
  if (!call.hedge.automatic) {
    const auto delay = parseDuration(given);
    if (!delay || *delay <= Duration::zero()) {
      return badRequest("bad_hedge",
                        "peerpulse-hedge: " + quote(given) + ": expected auto, off, or a duration such as 20ms");
    }
    call.hedge.delay = *delay;
  }
  if (possible) return std::nullopt;
  return badRequest("no_read", "peerpulse-hedge: only a GET without a body may be sent twice");
}

std::optional<Refusal> readDeadline(const http::HeaderList& fields, Call& call) {
  const std::optional<std::string> own = valueOf(fields, "peerpulse-timeout");
  const std::string_view grpc = fields.find("grpc-timeout");
  if (grpc.data() != nullptr) call.deadline = upstream::parseGrpcTimeout(grpc);
  if (!own) return std::nullopt;
  const auto duration = parseDuration(http::trimmed(*own));
  if (!duration || *duration <= Duration::zero()) {
    return badRequest("bad_timeout",
                      "peerpulse-timeout: " + quote(*own) + ": expected a duration such as 500ms or 2s");
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
    case Operation::kErasure: return "erasure";
  }
  return "?";
}

std::variant<Call, Refusal> readCall(const http::RequestHead& head, const upstream::PeerSet& peers,
                                     const Options& options) {
  const Endpoint* endpoint = endpointOf(head.path);
  if (endpoint == nullptr) return notFound(head.path);
  if (!takes(*endpoint, head.method)) return notAllowed(head, *endpoint);
  if (head.headers.has("origin")) return ofAPage();
  Call call;
  call.operation = endpoint->operation;
  call.read = head.method == "GET";
  call.path = head.path.substr(endpoint->prefix.size() - 1);
  const bool erasure = call.operation == Operation::kErasure;
  auto refusal = erasure ? readShard(peers, options, call) : readTargets(head.headers, peers, call);
  if (!refusal && call.operation == Operation::kQuorum) refusal = readQuorum(head.headers, peers.size() + 1, call);
  if (!refusal) refusal = readHedge(head, options, call);
  if (!refusal) refusal = readDeadline(head.headers, call);
  if (refusal) return *refusal;
  return call;
}

http::RequestHead headFor(const http::RequestHead& head, const Target& target) {
  http::RequestHead out;
  out.method = head.method;
  out.scheme = head.scheme;
  // A socket's path is no authority: the request then has none of its own.
  if (!target.peer->address.isUnix()) out.authority = target.peer->address.authority();
  out.path = target.path;
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
