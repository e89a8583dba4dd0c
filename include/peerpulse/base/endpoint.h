// Endpoint: where a peer is, as an operator writes it: a literal address (SocketAddress) or a host name and a port, as in
// "node2.example:9000". What a name leads to is not known here, and changes (dns/resolver.h).
//
// Threading: a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"

namespace peerpulse {

class Endpoint {
 public:
  Endpoint() = default;
  Endpoint(const SocketAddress& literal) : literal_(literal) {}  // NOLINT: every literal address is one

  /// Errors name the text and the accepted forms. A host that can only be meant as a literal ("10.0.0.300") is an error, not
  /// a name.
  static Result<Endpoint> parse(std::string_view text);

  bool isName() const { return !name_.empty(); }
  /// Lower case, without a final dot unless it was written with one (no search domains are tried then). Empty: a literal.
  const std::string& name() const { return name_; }
  /// Family AF_UNSPEC for a name.
  const SocketAddress& literal() const { return literal_; }
  bool isUnix() const { return literal_.isUnix(); }
  /// 0 for unix addresses.
  uint16_t port() const { return isName() ? port_ : literal_.port(); }
  /// The form parse() takes.
  std::string toString() const;
  /// What a request to it has as its authority: without the zone of a link-local address, which means nothing elsewhere (RFC
  /// 6874 4); "localhost" for a unix address.
  std::string authority() const;

  friend bool operator==(const Endpoint& a, const Endpoint& b) { return a.toString() == b.toString(); }

 private:
  std::string name_;
  uint16_t port_ = 0;
  SocketAddress literal_;
};

/// Whether `text` is a host name: labels of 1 to 63 letters, digits, '-' and '_' (which container networks use), neither first
/// nor last a '-', 253 characters at most, and not all of the last one digits (RFC 1123 2.1: that would be an address).
bool isHostName(std::string_view text);

}  // namespace peerpulse
