// AdminClient: asks the admin of a running peerpulse, over TCP or a unix socket.
//
// Threading: one thread. Errors: `code` is an errno when it could not be asked, 0 when it said no.
#pragma once

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
  Result<AdminAnswer> get(const std::string& path) const;
  /// `token`: of admin.token_file (RFC 6750, section 2.1); empty: none.
  Result<AdminAnswer> post(const std::string& path, const Json& body, const std::string& token) const;
  /// The live events, as text/event-stream, until `onText` returns false or the admin ends. `after`: the sequence number
  /// of the last one that is known; without it, only what happens from now on.
  Result<void> follow(const std::string& after, const OnBody& onText) const;

  static constexpr Duration kPatience = seconds(3);

 private:
  HttpRequest request(const std::string& path) const;
  Result<AdminAnswer> ask(const HttpRequest& request) const;
  Error unreachable(const Error& error) const;

  SocketAddress address_;
};

/// A name as one segment of a path (RFC 3986 3.3).
std::string pathSegment(std::string_view name);

}  // namespace peerpulse::cli
