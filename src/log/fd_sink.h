// FdSink: writes log lines to a descriptor, from the log thread.
//
// Threading: log() from the log thread; lost(), replace() and giveUpSoon() from any.
// Invariants: a line is written whole or counted as lost; a descriptor that takes nothing (full pipe) never
//   keeps stop() waiting longer than kPatience.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include <spdlog/sinks/sink.h>

#include "peerpulse/base/fd.h"
#include "peerpulse/base/time.h"

namespace peerpulse::log {

class FdSink : public spdlog::sinks::sink {
 public:
  static constexpr milliseconds kPatience{1000};

  explicit FdSink(Fd fd) : fd_(std::move(fd)) {}
  ~FdSink() override { takeReplacement(); }

  void log(const spdlog::details::log_msg& message) override;
  void flush() override {}
  void set_pattern(const std::string&) override {}  // lines come formatted
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  /// The next line, and what follows, goes to `fd`.
  void replace(Fd fd) { const Fd unused(next_.exchange(fd.release(), std::memory_order_acq_rel)); }
  uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }
  /// The process is stopping: from now on a blocked descriptor is waited for at most kPatience in all.
  void giveUpSoon() { stopping_.store(true, std::memory_order_relaxed); }

 private:
  void takeReplacement();
  bool writeAll(std::string_view bytes);
  bool waitWritable();

  Fd fd_;
  std::atomic<int> next_{-1};  // the descriptor that replaces fd_, until the log thread takes it
  bool torn_ = false;          // the last line was cut off: the next begins on a line of its own
  milliseconds waited_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> lost_{0};
};

}  // namespace peerpulse::log
