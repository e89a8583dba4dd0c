// EventLog: what happened last, for the one who has to understand a violation: a ring of plain entries (written
// all the time, so it must be cheap) and every fault from the start. Text is made only when it is asked for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "peerpulse/base/time.h"

namespace peerpulse::sim {

struct LogEntry {
  TimePoint at;
  const char* what = "";  // a literal
  uint32_t peer = 0;
  int64_t a = 0, b = 0;
  const char* text1 = "";  // literals
  const char* text2 = "";
};

class EventLog {
 public:
  static constexpr size_t kRing = 512;
  static constexpr uint32_t kWorld = UINT32_MAX;  // as a peer: all of them

  void reset(TimePoint start, bool trace) {
    start_ = start;
    trace_ = trace;
    count_ = 0;
    faults_.clear();
  }
  void add(const LogEntry& entry) {
    ring_[count_++ % kRing] = entry;
    if (trace_) print(entry, stdout);
  }
  void fault(const LogEntry& entry) {
    faults_.push_back(entry);
    add(entry);
  }
  void print(FILE* to) const;

 private:
  void print(const LogEntry& entry, FILE* to) const;

  TimePoint start_;
  bool trace_ = false;
  std::array<LogEntry, kRing> ring_{};
  size_t count_ = 0;
  std::vector<LogEntry> faults_;
};

}  // namespace peerpulse::sim
