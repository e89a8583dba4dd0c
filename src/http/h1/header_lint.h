// The lint before llhttp: 8.1.0 accepts bare CR and LF, obs-fold and more (faults B1-B13). First the bytes
// (HeadScanner, incremental: an offence is reported at its byte however the input is cut), then the
// structure of a complete section (parseFields and the start lines).
//
// Threading: values and pure functions; one thread.
// Invariants: nothing here allocates more than the limits allow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peerpulse/http/codec.h"
#include "peerpulse/http/message.h"

namespace peerpulse::http::h1 {

/// Why a message is refused: the status a server answers with, and words for logs.
struct Fault {
  int status = 400;
  const char* detail = "";
};

/// Collects a head (start line and fields) or a trailer section up to its empty line.
class HeadScanner {
 public:
  enum class Kind : uint8_t { kRequest, kResponse, kTrailers };
  enum class Status : uint8_t { kNeedMore, kComplete, kFault };

  HeadScanner(Kind kind, const CodecLimits& limits) : kind_(kind), limits_(limits) {}
  void restart(Kind kind);
  /// Takes bytes from the front of `in` up to the end of the section.
  Status feed(std::string_view& in);
  const Fault& fault() const { return fault_; }
  /// The lines, each with its CRLF, without the empty line that ends the section.
  std::string_view text() const { return text_; }
  bool started() const { return !text_.empty() || skippedEmptyLine_ || afterCr_; }

 private:
  Status fail(int status, const char* detail);
  Status endLine();
  Status take(char c);

  Kind kind_;
  const CodecLimits& limits_;
  std::string text_;
  size_t lineStart_ = 0;
  size_t lines_ = 0;
  bool afterCr_ = false;
  bool skippedEmptyLine_ = false;
  Fault fault_;
};

struct RawField {
  std::string_view name;
  std::string_view value;
};

/// Start line and fields of a complete section; the views point into the scanner's text.
struct RawHead {
  std::string_view startLine;
  std::vector<RawField> fields;

  /// How many fields of that name there are.
  size_t countOf(std::string_view name) const;
  /// The first one's value; data() == nullptr without one.
  std::string_view find(std::string_view name) const;
};

/// What a header section used of the limits; trailers share it.
struct SectionBudget {
  size_t count = 0;
  size_t size = 0;
};

/// Splits a section into lines and fields: token names, no space before the colon, no folding.
std::optional<Fault> parseFields(std::string_view text, bool startLine, const CodecLimits& limits,
                                 SectionBudget& budget, RawHead& head);

struct RequestLine {
  std::string_view method;
  std::string_view target;
  Version version = Version::kHttp11;
};
std::optional<Fault> parseRequestLine(std::string_view line, RequestLine& out);

struct StatusLine {
  Version version = Version::kHttp11;
  int status = 0;
};
std::optional<Fault> parseStatusLine(std::string_view line, StatusLine& out);

/// host [ ":" port ] without userinfo, path, list or empty host (faults B9).
bool isAuthority(std::string_view text);

}  // namespace peerpulse::http::h1
