// AdminClient: asks the admin of a running peerpulse, over TCP or a unix socket. What is there instead may be anything: an
// answer counts only if it has what the admin's has, within kPatience, of kMaxBody at most, and of bounded depth.
//
// Threading: one thread. Errors: `code` is an errno when it could not be asked (EPROTO: somebody else answered), 0 when it
// said no.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "http_client.h"
#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"

namespace peerpulse::cli {

using Json = nlohmann::json;

/// Where the admin is said to be. The first that is given counts.
struct AdminWhere {
  std::string address{};      ///< --admin
  std::string configFile{};   ///< --config: its admin.listen
  std::string environment{};  ///< PEERPULSE_ADMIN
};

inline constexpr const char* kDefaultAdmin = "127.0.0.1:9901";

/// Of a wildcard that it listens on, the loopback address. Errors are wrong usage.
Result<SocketAddress> adminAddress(const AdminWhere& where);

struct AdminAnswer {
  std::string text;  ///< as it came, for --json
  Json json;
};

class AdminClient {
 public:
  explicit AdminClient(SocketAddress address) : address_(address) {}

  const SocketAddress& address() const { return address_; }

  Result<AdminAnswer> peers() const;
  Result<AdminAnswer> peer(const std::string& name) const;
  Result<AdminAnswer> cluster() const;
  Result<AdminAnswer> config() const;
  /// The events that are still kept, oldest first.
  Result<AdminAnswer> history() const;
  Result<std::string> metrics() const;
  /// `order`: as POST /peers/<name>/circuit takes it. `token`: of admin.token_file (RFC 6750, section 2.1); empty: none.
  Result<AdminAnswer> override(const std::string& peer, const Json& order, const std::string& token) const;
  /// The live events, as text/event-stream, until `onText` returns false or the admin ends. `after`: the sequence number
  /// of the last one that is known; without it, only what happens from now on.
  Result<void> follow(const std::string& after, const OnBody& onText) const;

  static constexpr Duration kPatience = seconds(3);

 private:
  using Fields = std::initializer_list<const char*>;

  HttpRequest request(const std::string& path) const;
  /// `fields`: JSON pointers to what the answer must have.
  Result<AdminAnswer> ask(const HttpRequest& request, Fields fields) const;
  Error unreachable(const Error& error) const;
  Error somebodyElse(const HttpRequest& request, const HttpResponse& response) const;
  Error refusal(const HttpRequest& request, const HttpResponse& response) const;

  SocketAddress address_;
};

/// A name as one segment of a path (RFC 3986 3.3).
std::string pathSegment(std::string_view name);

/// Null when it is no JSON, or deeper or of more values than the admin's ever is: what is made of it is bounded, too.
Json parseJson(const std::string& text);

}  // namespace peerpulse::cli
