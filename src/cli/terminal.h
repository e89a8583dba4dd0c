// Terminal: where a command says what it has to say: text for people, or JSON for programs. The only way to it, so that
// everything passes the filter (printable.h), and the only place that steers the screen.
//
// Threading: one thread.
#pragma once

#include <cstddef>
#include <ostream>
#include <string_view>

#include "json_field.h"

namespace peerpulse::cli {

class Terminal {
 public:
  /// `json`: commands are to print JSON.
  Terminal(std::ostream& out, std::ostream& err, bool json) : out_(out), err_(err), json_(json) {}

  bool json() const { return json_; }
  /// Whole lines.
  void show(std::string_view text) const;
  /// `text` is valid JSON, and is shown as it is.
  void showJsonText(std::string_view text) const;
  /// `indent`: -1: on one line.
  void showJson(const Json& json, int indent = 2) const;
  /// One line about what went wrong, or is otherwise not an answer to what was asked.
  void complain(std::string_view text) const;

  /// Lines instead of those that the screen shows; the first time after clear().
  void clear() const;
  void showFrame(std::string_view text) const;

  /// Now. False when nobody reads any more.
  bool flush() const;

 private:
  std::ostream& out_;
  std::ostream& err_;
  bool json_;
};

/// Whether whoever read our output has gone, which a pipe tells without a write.
bool readerIsGone();

}  // namespace peerpulse::cli
