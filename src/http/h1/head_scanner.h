// HeadScanner: finds the end of a head (start line and fields) or of a trailer section and refuses the bytes
// that llhttp 8.1.0 lets through: bare CR and LF, control characters, folded lines (faults B6-B8).
//
// A section that lies whole in the input is looked at where it lies; one that is cut is collected. The outcome
// does not depend on where the input was cut.
//
// Threading: a value; one thread.
// Invariants: collects no more than the limits allow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fault.h"
#include "peerpulse/http/codec.h"

namespace peerpulse::http::h1 {

/// The lines of a section, each with its CRLF, without the empty line that ends them.
struct SectionLines {
  std::string_view text;
  size_t count = 0;
};

class HeadScanner {
 public:
  enum class Kind : uint8_t { kRequest, kResponse, kTrailers };
  enum class Status : uint8_t { kNeedMore, kComplete, kFault };

  HeadScanner(Kind kind, const CodecLimits& limits) : kind_(kind), limits_(limits) {}
  /// Begins the next section.
  void restart();
  /// Takes bytes from the front of `in` up to the end of the section.
  Status feed(std::string_view& in);
  const Fault& fault() const { return fault_; }
  /// Of a complete section. Valid as long as the input of the last feed() and until restart().
  SectionLines lines() const { return {text_.substr(start_, lineStart_ - start_), lines_}; }
  /// The same with the empty line.
  std::string_view section() const { return text_.substr(start_, at_ - start_); }
  bool started() const { return !kept_.empty(); }

 private:
  Status scan();
  const char* controlProblem() const;
  /// The part of a line without control characters that ends before `end`.
  bool checkRun(size_t end);
  Status endLine();
  Status fail(int status, const char* detail);
  size_t sectionLimit() const { return limits_.maxHeaderListSize + limits_.maxRequestLineSize; }

  const Kind kind_;
  const CodecLimits& limits_;
  std::string kept_;       ///< the section so far, when it came in pieces
  std::string_view text_;  ///< kept_ or the input: from the section's first byte
  // Into text_:
  size_t start_ = 0;  ///< of the first line (behind an empty one that was forgiven)
  size_t lineStart_ = 0;
  size_t at_ = 0;  ///< all before it is checked
  size_t lines_ = 0;
  Fault fault_;
};

}  // namespace peerpulse::http::h1
