// Commands: the subcommands that ask a running peerpulse, or look at this host: status, peers, events, override.
// Exit statuses: 0 well, 1 something is wrong and was said, 2 wrong usage, 3 the quorum is lost or this host is cut off,
// 4 no admin answers.
//
// Threading: the main thread; they block.
// Ownership: holds what the options are parsed into; outlives `app`'s parse().
#pragma once

#include <memory>
#include <optional>

namespace CLI {
class App;
}

namespace peerpulse::cli {

class Commands {
 public:
  /// Adds them to `app`.
  explicit Commands(CLI::App& app);
  ~Commands();
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  /// Runs the one that was parsed; its exit status. Nothing when it was none of them.
  std::optional<int> run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace peerpulse::cli
