// Program: one run of the erasure writer from options to summary.
//
// Threading: the main thread, which becomes the loop's.
#pragma once

#include <memory>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/signal_watcher.h"
#include "erasure_writer/manifest.h"
#include "erasure_writer/object_run.h"
#include "erasure_writer/options.h"
#include "peerpulse/net/plain_transport.h"

namespace peerpulse::erasure_writer {

class Program {
 public:
  explicit Program(Options options);
  ~Program();

  /// The exit code.
  int run();

 private:
  struct Source {
    std::string path;
    uint64_t size;
  };

  Result<void> prepare();
  Result<void> prepareWrite();
  Result<void> prepareRead();
  Result<void> openProgress();
  std::unique_ptr<ObjectTask> createTask(const RunContext& context, size_t index, ObjectTaskOwner& owner) const;
  std::vector<DiskUrl> others() const;
  void runLoop();
  void writeProgress();
  void finish();
  nlohmann::json summary() const;
  int report();

  Options options_;
  event::Dispatcher dispatcher_;
  std::unique_ptr<tools::SignalWatcher> signals_;
  net::PlainConnector connector_{dispatcher_};
  wire::IoContext io_{dispatcher_, connector_};
  ReedSolomon code_;
  Manifest manifest_;            // read: what to read
  std::vector<Source> sources_;  // write: what to write
  uint64_t totalBytes_ = 0;
  Fd progressFd_;
  std::unique_ptr<tools::IoPool> pool_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<Statistics> statistics_;
  std::unique_ptr<ObjectRun> run_;
  std::unique_ptr<event::Timer> progressTimer_;
  std::unique_ptr<event::Timer> deadlineTimer_;
  bool interrupted_ = false;
};

}  // namespace peerpulse::erasure_writer
