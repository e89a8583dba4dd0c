// The one filter between what others wrote (the admin, peers, operators, names of processes) and a terminal: nothing that
// passes it steers the terminal, hides text, or begins a line of its own.
//
// Replaced by U+FFFD: controls (C0, DEL, C1), what changes the direction or the line of text (U+061C, U+200E, U+200F, U+2028 to
// U+202E, U+2066 to U+2069), what is not seen and so makes two names look the same (U+200B to U+200D, U+2060 to U+2064, U+FEFF,
// the tags U+E0000 to U+E007F), and bytes that are no UTF-8, each for itself.
//
// Threading: pure.
#pragma once

#include <string>
#include <string_view>

namespace peerpulse::cli {

/// As part of one line: ends of lines are replaced, too.
std::string printable(std::string_view text);
/// Whole lines, made of parts that are printable().
std::string printableLines(std::string_view text);
/// JSON, which is valid: what would be replaced is escaped (\uXXXX, or two of them), so that it means the same as before.
std::string printableJson(std::string_view json);
/// Columns that a terminal gives to `text`, if each of its characters takes one.
size_t columnsOf(std::string_view text);

}  // namespace peerpulse::cli
