// EpollLoop: the smallest event loop that the bench's own servers need. Every descriptor is watched edge-triggered for
// both directions from its beginning to its end, so that carrying bytes costs no epoll_ctl.
//
// Threading: one thread.
// Ownership: handlers belong to their makers; what a handler may still be running in is given to retire().
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "peerpulse/base/fd.h"
#include "peerpulse/base/result.h"

namespace peerpulse::bench {

/// Something that the loop may destroy.
class LoopObject {
 public:
  virtual ~LoopObject() = default;
};

class EventHandler {
 public:
  virtual ~EventHandler() = default;
  /// `events` are epoll's. Also called for a handler that was closed in the same turn.
  virtual void onEvents(uint32_t events) = 0;
};

class EpollLoop {
 public:
  static Result<std::unique_ptr<EpollLoop>> create();

  /// Until the descriptor is closed. `handler` must outlive that turn of the loop (retire()).
  Result<void> watch(int fd, EventHandler& handler);
  /// What `fd` is ready for is said again in the next turn: for a handler that leaves off before it would block.
  Result<void> rearm(int fd, EventHandler& handler);
  /// Destroyed at the end of the turn.
  void retire(std::unique_ptr<LoopObject> object) { retired_.push_back(std::move(object)); }

  /// Runs until fail(), whose error it returns, or until waiting fails.
  Error run();
  void fail(Error error);

 private:
  explicit EpollLoop(Fd epoll) : epoll_(std::move(epoll)) {}
  Result<void> control(int operation, int fd, EventHandler& handler);

  Fd epoll_;
  std::vector<std::unique_ptr<LoopObject>> retired_;
  Error error_;
  bool failed_ = false;
};

}  // namespace peerpulse::bench
