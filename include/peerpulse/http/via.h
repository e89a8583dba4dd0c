// Via (RFC 9110 7.6.3): each request that we pass on says that it was here, by a pseudonym that no other process has. One
// that comes back with it goes in a circle: it would be passed on for ever, each time as a new request.
//
// Stores sign the fields that they name (SigV4: SignedHeaders), or none, so one more harms no signature.
//
// Threading: pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "peerpulse/http/message.h"

namespace peerpulse::http {

/// "peerpulse-" and 16 digits.
std::string viaPseudonym(uint64_t random);
/// Whether a Via field names `pseudonym`; never if that is empty.
bool hasBeenHere(const HeaderList& headers, std::string_view pseudonym);
/// Appends ours, with the protocol that the request came in. An empty pseudonym: nothing.
void addVia(RequestHead& head, std::string_view pseudonym);

}  // namespace peerpulse::http
