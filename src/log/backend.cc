#include "backend.h"

#include <algorithm>
#include <pthread.h>
#include <signal.h>

namespace peerpulse::log {

namespace {

void blockAllSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  pthread_setname_np(pthread_self(), "pp-log");
}

}  // namespace

Backend::Backend(Fd fd, const Options& options)
    : level_(options.level),
      sink_(std::make_shared<FdSink>(std::move(fd))),
      pool_(std::make_shared<spdlog::details::thread_pool>(std::max(options.queueSize, 1U), 1, blockAllSignals)),
      logger_(std::make_shared<spdlog::async_logger>("peerpulse", sink_, pool_,
                                                     spdlog::async_overflow_policy::overrun_oldest)) {
  logger_->set_level(spdlog::level::trace);  // levels are sorted out before a line is built
  logger_->set_error_handler([this](const std::string&) { rejected_.fetch_add(1, std::memory_order_relaxed); });
}

uint64_t Backend::finish() {
  sink_->giveUpSoon();
  const uint64_t overruns = pool_->overrun_counter();
  pool_.reset();  // ends the queue and joins the thread
  return overruns + lost();
}

void Backend::write(std::string_view line) {
  logger_->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

uint64_t Backend::lost() const {
  return sink_->lost() + rejected_.load(std::memory_order_relaxed) + (pool_ ? pool_->overrun_counter() : 0);
}

}  // namespace peerpulse::log
