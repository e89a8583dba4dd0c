#include "json_line.h"

#include <cerrno>
#include <string>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "peerpulse/base/mutex.h"
#include "peerpulse/base/time.h"

namespace peerpulse::tools {

namespace {

constexpr int kLinesPerSecond = 100;

/// Lets kLinesPerSecond through in each second; a storm of errors must not cost more than the work itself.
class LineLimit {
 public:
  bool allow(TimePoint now, uint64_t& suppressed) {
    const MutexLock lock(mutex_);
    if (now - windowStart_ >= seconds(1)) {
      windowStart_ = now;
      inWindow_ = 0;
    }
    if (inWindow_ >= kLinesPerSecond) {
      ++suppressed_;
      return false;
    }
    ++inWindow_;
    suppressed = std::exchange(suppressed_, 0);
    return true;
  }

 private:
  Mutex mutex_;
  TimePoint windowStart_ PP_GUARDED_BY(mutex_);
  int inWindow_ PP_GUARDED_BY(mutex_) = 0;
  uint64_t suppressed_ PP_GUARDED_BY(mutex_) = 0;
};

}  // namespace

bool writeJsonLine(int fd, const nlohmann::json& line) {
  std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text += '\n';
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    rest.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void logError(std::string_view event, const nlohmann::json& fields) {
  static LineLimit limit;
  uint64_t suppressed = 0;
  if (!limit.allow(Clock::now(), suppressed)) return;
  nlohmann::json line = {
      {"time", formatRfc3339(std::chrono::system_clock::now())}, {"level", "error"}, {"event", event}};
  if (suppressed > 0) line["suppressed"] = suppressed;
  line.update(fields);
  writeJsonLine(STDERR_FILENO, line);
}

}  // namespace peerpulse::tools
