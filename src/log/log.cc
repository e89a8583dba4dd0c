#include "peerpulse/log/log.h"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <thread>
#include <unistd.h>

#include "backend.h"

namespace peerpulse::log {

namespace {

// A caller counts itself in users before it loads the pointer; stop() clears the pointer and then waits for
// the users to be gone (both sequentially consistent: one of the two sees the other). Callers never block, so
// the wait is short, and they never wait for stop().
std::atomic<Backend*> backend{nullptr};
std::atomic<uint32_t> users{0};
std::atomic<uint64_t> handedOver{0};
std::atomic<uint64_t> droppedBefore{0};  // by earlier backends, and by direct writes

class Use {
 public:
  Use() {
    users.fetch_add(1);
    backend_ = backend.load();
  }
  ~Use() { users.fetch_sub(1); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  Backend* get() const { return backend_; }

 private:
  Backend* backend_;
};

Result<Fd> openSink(const std::string& file) {
  if (file.empty()) {
    Fd copy(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    if (!copy.valid()) return systemError("log: stdout", errno);
    return copy;
  }
  Fd fd(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640));
  if (!fd.valid()) return systemError("log: open " + file, errno);
  return fd;
}

std::string& loggedFile() {  // of start(), start()'s thread
  static std::string file;
  return file;
}

std::string formatLine(Level level, std::string_view event, const Fields& fields) {
  std::string line = R"({"ts":")";
  line += formatRfc3339(std::chrono::system_clock::now());
  line += R"(","level":")";
  line += toString(level);
  line += R"(","event":)";
  line += quoted(event);
  line += fields.json();
  line += '}';
  return line;
}

void writeToStderr(std::string line) {
  line += '\n';
  const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
  if (n != static_cast<ssize_t>(line.size())) droppedBefore.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

const char* toString(Level level) {
  switch (level) {
    case Level::kDebug: return "debug";
    case Level::kInfo: return "info";
    case Level::kWarn: return "warn";
    case Level::kError: return "error";
  }
  return "info";
}

Result<void> start(const Options& options) {
  PP_ASSERT(backend.load() == nullptr);
  Result<Fd> fd = openSink(options.file);
  if (!fd) return fd.error();
  loggedFile() = options.file;
  backend.store(std::make_unique<Backend>(std::move(*fd), options).release());
  return {};
}

Result<bool> reopen() {
  const Use use;
  if (use.get() == nullptr || loggedFile().empty()) return false;
  Result<Fd> fd = openSink(loggedFile());
  if (!fd) return fd.error();
  use.get()->replaceSink(std::move(*fd));
  return true;
}

void stop() {
  const std::unique_ptr<Backend> old(backend.exchange(nullptr));
  if (!old) return;
  while (users.load() != 0)
    std::this_thread::yield();
  droppedBefore.fetch_add(old->finish(), std::memory_order_relaxed);
}

bool enabled(Level level) {
  const Use use;
  return level >= (use.get() != nullptr ? use.get()->level() : Level::kInfo);
}

void write(Level level, std::string_view event, const Fields& fields) noexcept {
  try {
    const Use use;
    Backend* const to = use.get();
    if (level < (to != nullptr ? to->level() : Level::kInfo)) return;
    handedOver.fetch_add(1, std::memory_order_relaxed);
    std::string line = formatLine(level, event, fields);
    if (to != nullptr) {
      to->write(line);
    } else {
      writeToStderr(std::move(line));
    }
  } catch (...) {  // out of memory: a line is not worth the process
    droppedBefore.fetch_add(1, std::memory_order_relaxed);
  }
}

uint64_t lines() { return handedOver.load(std::memory_order_relaxed); }

uint64_t dropped() {
  const Use use;
  const uint64_t now = use.get() != nullptr ? use.get()->lost() : 0;
  return droppedBefore.load(std::memory_order_relaxed) + now;
}

}  // namespace peerpulse::log
