// storage_node: see --help. One line on stdout when it listens:
// {"event":"listening","address":"IP:PORT",...}; errors as JSON lines on stderr. SIGTERM and SIGINT drain,
// exit 0.

#include <sys/resource.h>
#include <thread>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "common/io_pool.h"
#include "common/json_line.h"
#include "common/signal_watcher.h"
#include "storage_node/options.h"
#include "storage_node/router.h"
#include "storage_node/worker.h"

namespace peerpulse::storage_node {

namespace {

int failStart(const Error& error) {
  tools::logError("start_failed", {{"detail", error.message}});
  return 1;
}

// Every exchange may hold a socket and a file. Failing is harmless: then there are fewer.
void raiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<std::vector<std::unique_ptr<Disk>>> openDisks(const Options& options, FileOps& ops) {
  std::vector<std::unique_ptr<Disk>> disks;
  for (const auto& [name, directory] : options.disks) {
    auto disk = Disk::open(name, directory, options.disk, ops);
    if (!disk) return disk.error();
    disks.push_back(std::move(*disk));
  }
  return disks;
}

void serve(const Options& options, const Router& router, tools::IoPool& pool, net::ListenSocket& socket,
           const net::TlsContextRef& tls, event::Dispatcher& mainLoop,
           std::vector<std::unique_ptr<Worker>>& workers) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(options.workers));
  for (int i = 0; i < options.workers; ++i)
    workers.push_back(std::make_unique<Worker>(router, pool, socket, tls));
  size_t running = workers.size();
  for (auto& worker : workers) {
    threads.emplace_back([&mainLoop, &running, worker = worker.get()] {
      worker->run();
      mainLoop.post([&mainLoop, &running] {
        if (--running == 0) mainLoop.exit();
      });
    });
  }
  tools::writeJsonLine(STDOUT_FILENO, {{"event", "listening"},
                                       {"address", net::localAddress(socket.fd()).toString()},
                                       {"disks", options.disks.size()},
                                       {"fsync", options.disk.sync}});
  mainLoop.run();
  for (std::thread& thread : threads)
    thread.join();
}

int run(const Options& options) {
  event::Dispatcher mainLoop;
  std::vector<std::unique_ptr<Worker>> workers;
  auto signals = tools::SignalWatcher::create(mainLoop, [&](int) {
    for (auto& worker : workers)
      worker->drain(options.drainTimeout);
  });
  if (!signals) return failStart(signals.error());
  raiseDescriptorLimit();
  FileOps ops;
  auto disks = openDisks(options, ops);
  if (!disks) return failStart(disks.error());
  const Router router(std::move(*disks), options.maxChunkSize);
  net::TlsContextRef tls;
  if (options.tls.enabled()) {
    auto made = net::TlsContext::server(options.tls);
    if (!made) return failStart(made.error());
    tls = std::move(*made);
  }
  auto socket = net::ListenSocket::open(options.listen);
  if (!socket) return failStart(socket.error());
  tools::IoPool pool(options.ioThreads);
  serve(options, router, pool, **socket, tls, mainLoop, workers);
  pool.stop();
  workers.clear();
  return 0;
}

}  // namespace

}  // namespace peerpulse::storage_node

int main(int argc, char** argv) {
  int exitCode = 0;
  const auto options = peerpulse::storage_node::parseCommandLine(argc, argv, exitCode);
  return options ? peerpulse::storage_node::run(*options) : exitCode;
}
