#include "fd_sink.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <string>
#include <unistd.h>

#include <climits>

namespace peerpulse::log {

namespace {

constexpr milliseconds kPollStep{50};

}  // namespace

void FdSink::takeReplacement() {
  Fd next(next_.exchange(-1, std::memory_order_acq_rel));
  if (!next.valid()) return;
  fd_ = std::move(next);
  torn_ = false;
}

void FdSink::log(const spdlog::details::log_msg& message) {
  takeReplacement();
  std::string line;
  line.reserve(message.payload.size() + 2);
  if (torn_) line += '\n';
  line.append(message.payload.data(), message.payload.size());
  line += '\n';
  if (!writeAll(line)) lost_.fetch_add(1, std::memory_order_relaxed);
}

bool FdSink::writeAll(std::string_view bytes) {
  const size_t size = bytes.size();
  while (!bytes.empty()) {
    if (!waitWritable()) break;
    // A pipe that poll() calls writable takes PIPE_BUF bytes without blocking; more might block for good.
    const size_t part = std::min<size_t>(bytes.size(), PIPE_BUF);
    const ssize_t n = ::write(fd_.get(), bytes.data(), part);
    if (n > 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (n < 0 && errno != EINTR && errno != EAGAIN) {
      break;
    }
  }
  if (bytes.empty()) {
    torn_ = false;
  } else if (bytes.size() < size) {
    torn_ = true;
  }
  return bytes.empty();
}

bool FdSink::waitWritable() {
  while (true) {
    pollfd p{fd_.get(), POLLOUT, 0};
    const bool patient = waited_ <= kPatience;
    const int n = ::poll(&p, 1, patient ? static_cast<int>(kPollStep.count()) : 0);
    if (n > 0) return true;  // with POLLERR write() says what is wrong
    if (n < 0 && errno != EINTR) return false;
    if (!stopping_.load(std::memory_order_relaxed)) continue;
    if (!patient) return false;
    waited_ += kPollStep;
  }
}

}  // namespace peerpulse::log
