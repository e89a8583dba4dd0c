// Structured logging: one JSON object per line, written by a log thread behind a bounded queue. A full queue
// drops the oldest line and counts it; no caller ever waits for the sink.
//   {"ts":"2026-11-22T10:49:35.123456Z","level":"info","event":"circuit_transition","peer":"node3",...}
//
// Threading: write(), enabled(), lines() and dropped() from any thread at any time; start() and stop() from one. The
// log
//   thread blocks all signals, so a closed stdout is a counted loss and never a SIGPIPE.
// Errors: nothing here throws or fails the caller; what could not be written is counted by dropped().
// Pure code (health/) never logs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "peerpulse/base/result.h"

namespace peerpulse::log {

enum class Level : uint8_t { kDebug, kInfo, kWarn, kError };
/// "debug", "info", "warn", "error".
const char* toString(Level level);

/// Builds the fields of one line.
///   log::write(Level::kInfo, "circuit_transition", Fields().add("peer", name).add("silence_ms", 51.2));
class Fields {
 public:
  Fields& add(std::string_view key, std::string_view value);
  Fields& add(std::string_view key, const char* value) { return add(key, std::string_view(value)); }
  Fields& add(std::string_view key, const std::string& value) { return add(key, std::string_view(value)); }
  Fields& add(std::string_view key, bool value);
  Fields& add(std::string_view key, double value);
  Fields& add(std::string_view key, uint64_t value);
  Fields& add(std::string_view key, uint32_t value) { return add(key, static_cast<uint64_t>(value)); }
  Fields& add(std::string_view key, int64_t value);
  Fields& add(std::string_view key, int value) { return add(key, static_cast<int64_t>(value)); }
  /// Members of a JSON object as json() has them, made elsewhere.
  Fields& addMembers(std::string_view json) {
    json_ += json;
    return *this;
  }
  /// `,"key":value` for each field, escaped.
  const std::string& json() const { return json_; }

 private:
  std::string json_;
};

struct Options {
  Level level = Level::kInfo;
  /// File to append to (made with mode 0640); empty: stdout.
  std::string file;
  /// Lines that may wait for the log thread.
  uint32_t queueSize = 8192;
};

/// Starts the log thread; an error if the file cannot be opened. Before start() and after stop() lines go to
/// stderr at once.
Result<void> start(const Options& options);
/// Writes what is queued and ends the thread. A sink that takes nothing for a second loses the rest
/// (counted).
void stop();
/// Opens the file of start() anew: after it was moved away (log rotation) lines go to the new one. False: there is none, lines
/// go to stdout. An error: the file cannot be opened, and lines go on to the old one. As start() and stop(): one thread.
Result<bool> reopen();
bool enabled(Level level);
/// A numeric field that is NaN or infinite is written as null.
void write(Level level, std::string_view event, const Fields& fields) noexcept;
/// Lines handed to write() since the process began, of the levels that are logged; those lost are among them.
uint64_t lines();
/// Lines lost to a full queue or a failed write since the process began.
uint64_t dropped();

/// `text` as a JSON string, quotes included; invalid UTF-8 becomes U+FFFD.
std::string quoted(std::string_view text);

}  // namespace peerpulse::log
