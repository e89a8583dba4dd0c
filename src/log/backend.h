// Backend: the log thread with its queue and sink (spdlog's asynchronous logger). Made by start(), gone after
// stop().
//
// Threading: write() and lost() from any thread; made and destroyed by one.
#pragma once

#include <memory>
#include <string_view>

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>

#include "fd_sink.h"
#include "peerpulse/log/log.h"

namespace peerpulse::log {

class Backend {
 public:
  Backend(Fd fd, const Options& options);
  /// Writes what is queued, as far as the sink takes it, and ends the thread. Returns what lost() comes to.
  uint64_t finish();

  Level level() const { return level_; }
  void write(std::string_view line);
  /// From the next line on, lines go there.
  void replaceSink(Fd fd) { sink_->replace(std::move(fd)); }
  uint64_t lost() const;

 private:
  Level level_;
  std::shared_ptr<FdSink> sink_;
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::async_logger> logger_;
  std::atomic<uint64_t> rejected_{0};
};

}  // namespace peerpulse::log
