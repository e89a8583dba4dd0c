#include "child.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peerpulse/base/assert.h"

namespace peerpulse::hooks {

namespace {

struct Pipe {
  Fd reader;
  Fd writer;
};

Result<Pipe> openPipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return systemError("pipe", errno);
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

bool setNonBlocking(const Fd& fd) { return ::fcntl(fd.get(), F_SETFL, O_NONBLOCK) == 0; }

/// What posix_spawn() takes, and the first error of filling it.
class Plan {
 public:
  Plan() {
    note(::posix_spawn_file_actions_init(&actions_));
    note(::posix_spawnattr_init(&attributes_));
  }
  ~Plan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // Descriptors of libraries need not be close-on-exec: all but the three are closed.
  void giveDescriptors(int input, int output) {
    note(::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO));
    note(::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO));
    note(::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO));
    note(::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1));
  }
  // We block the signals that our main loop reads, and ignore SIGPIPE: neither is the program's business.
  void giveSession() {
    sigset_t none;
    sigset_t defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    note(::posix_spawnattr_setsigmask(&attributes_, &none));
    note(::posix_spawnattr_setsigdefault(&attributes_, &defaults));
    note(::posix_spawnattr_setflags(
        &attributes_, static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)));
  }
  Result<pid_t> start(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& argument : command)
      arguments.push_back(const_cast<char*>(argument.c_str()));  // the signature is older than const
    arguments.push_back(nullptr);
    pid_t pid = 0;
    if (error_ == 0) note(::posix_spawn(&pid, arguments[0], &actions_, &attributes_, arguments.data(), environ));
    if (error_ != 0) return systemError(command[0], error_);
    return pid;
  }

 private:
  void note(int error) {
    if (error_ == 0) error_ = error;
  }

  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
  int error_ = 0;
};

}  // namespace

Result<Child> spawn(const std::vector<std::string>& command) {
  PP_ASSERT(!command.empty());
  Result<Pipe> input = openPipe();
  if (!input) return input.error();
  Result<Pipe> output = openPipe();
  if (!output) return output.error();
  if (!setNonBlocking(input->writer) || !setNonBlocking(output->reader)) return systemError("pipe", errno);
  Plan plan;
  plan.giveDescriptors(input->reader.get(), output->writer.get());
  plan.giveSession();
  const Result<pid_t> pid = plan.start(command);
  if (!pid) return pid.error();
  Child child;
  child.pid = *pid;
  child.handle = Fd(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));  // glibc 2.36 declares it for C only
  if (!child.handle.valid()) {  // no descriptor left: nobody would learn of its end
    const int error = errno;
    ::kill(-*pid, SIGKILL);
    while (::waitpid(*pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return systemError("pidfd_open", error);
  }
  child.input = std::move(input->writer);
  child.output = std::move(output->reader);
  return child;
}

}  // namespace peerpulse::hooks
