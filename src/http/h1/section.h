// Section: the fields of a complete header or trailer section. What concerns framing and the connection is put
// apart, hop-by-hop fields are consumed (RFC 9110 7.6.1), the rest goes into a HeaderList.
//
// Threading: pure functions; views point into the text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fault.h"
#include "peerpulse/http/codec.h"

namespace peerpulse::http::h1 {

/// What a header section used of the limits; trailers share it.
struct SectionBudget {
  size_t count = 0;
  size_t size = 0;
};

/// A field that should come once.
struct SingleField {
  std::string_view value;  ///< the first one's
  size_t count = 0;
};

struct ConnectionOptions {
  bool close = false;
  bool keepAlive = false;
  bool upgrade = false;
  std::vector<std::string_view> others;  ///< fields that go no further
  std::optional<Fault> fault;
};

struct Section {
  SingleField host;
  SingleField contentLength;
  SingleField transferEncoding;
  SingleField expect;  ///< its value is the one that is not known, if there is one
  ConnectionOptions connection;
  bool teTrailers = false;
  /// Protocols that Upgrade names, without h2c: prior knowledge only (faults C11).
  std::string upgrade;
};

enum class SectionOf : uint8_t { kRequest, kResponse };

/// Splits lines into fields: token names, no space before the colon. End-to-end fields are added to `fields`.
std::optional<Fault> parseHeaderLines(std::string_view lines, SectionOf message, const CodecLimits& limits,
                                      SectionBudget& budget, Section& section, HeaderList& fields);
/// Trailers without the fields that no trailer section may carry.
std::optional<Fault> parseTrailerLines(std::string_view lines, const CodecLimits& limits, SectionBudget& budget,
                                       HeaderList& fields);

}  // namespace peerpulse::http::h1
