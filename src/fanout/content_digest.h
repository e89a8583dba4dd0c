// Content-Digest (RFC 9530): whether what a peer acknowledges is what the caller says it sent. Nothing is hashed here: two
// fields are compared.
//
// Compared are `sha-256` and `sha-512` where both have them; the other algorithms are for accidents on the wire, which TCP
// sees, and "deprecated" there. In an answer the field is that of the answer's own content (RFC 9530 section 2), so only an
// answer without any can mean the request's; and the digest of nothing at all is its own.
//
// Threading: pure.
#pragma once

#include <string>
#include <string_view>

namespace peerpulse::fanout {

/// Why `acknowledged` is not `sent`, both values of the field; empty if nothing speaks against it: equal, absent, not
/// readable, or of other algorithms. The answer had no content.
std::string digestMismatch(std::string_view sent, std::string_view acknowledged);

}  // namespace peerpulse::fanout
