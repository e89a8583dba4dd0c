#include "event_log.h"

namespace peerpulse::sim {

void EventLog::print(const LogEntry& entry, FILE* to) const {
  std::fprintf(to, "%14.3f ms ", toMillis(entry.at - start_));
  if (entry.peer == kWorld) {
    std::fprintf(to, "  *  ");
  } else {
    std::fprintf(to, " p%u  ", entry.peer);
  }
  std::fprintf(to, "%-18s %8lld %8lld  %s %s\n", entry.what, static_cast<long long>(entry.a),
               static_cast<long long>(entry.b), entry.text1, entry.text2);
}

void EventLog::print(FILE* to) const {
  std::fprintf(to, "faults from the start:\n");
  for (const LogEntry& entry : faults_)
    print(entry, to);
  const size_t kept = count_ < kRing ? count_ : kRing;
  std::fprintf(to, "the last %zu events (columns: time, peer, what, two numbers):\n", kept);
  for (size_t i = count_ - kept; i < count_; ++i)
    print(ring_[i % kRing], to);
}

}  // namespace peerpulse::sim
