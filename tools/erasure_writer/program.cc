#include "program.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "common/json_line.h"
#include "erasure_writer/object_reader.h"
#include "erasure_writer/object_writer.h"

namespace peerpulse::erasure_writer {

namespace {

constexpr Duration kProgressInterval = milliseconds(100);

}  // namespace

Program::Program(Options options) : options_(std::move(options)) {}

Program::~Program() = default;

int Program::run() {
  if (auto ready = prepare(); !ready) {
    tools::logError("start_failed", {{"detail", ready.error().message}});
    return 2;
  }
  runLoop();
  return report();
}

Result<void> Program::prepare() {
  auto signals = tools::SignalWatcher::create(dispatcher_, [this](int) {
    interrupted_ = true;
    run_->cancel();
  });
  if (!signals) return signals.error();
  signals_ = std::move(*signals);
  auto inputs = options_.mode == Mode::kWrite ? prepareWrite() : prepareRead();
  if (!inputs) return inputs;
  return openProgress();
}

Result<void> Program::prepareWrite() {
  for (const std::string& path : options_.files) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return systemError(path, errno);
    if (!S_ISREG(info.st_mode)) return Error{path + " is not a regular file"};
    sources_.push_back({path, static_cast<uint64_t>(info.st_size)});
    totalBytes_ += sources_.back().size;
  }
  return {};
}

Result<void> Program::prepareRead() {
  auto manifest = Manifest::load(options_.manifest);
  if (!manifest) return manifest.error();
  manifest_ = std::move(*manifest);
  options_.settings.blockSize = manifest_.blockSize;
  options_.settings.prefix = manifest_.prefix;
  for (const ManifestObject& object : manifest_.objects)
    totalBytes_ += object.size;
  if (!options_.disks.empty()) return {};
  for (const std::string& text : manifest_.disks) {
    auto url = DiskUrl::parse(text);
    if (!url) return url.error();
    options_.disks.push_back(std::move(*url));
  }
  return {};
}

Result<void> Program::openProgress() {
  if (options_.progress.empty()) return {};
  progressFd_ = Fd(::open(options_.progress.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!progressFd_.valid()) return systemError("open " + options_.progress, errno);
  return {};
}

std::unique_ptr<ObjectTask> Program::createTask(const RunContext& context, size_t index,
                                                ObjectTaskOwner& owner) const {
  if (options_.mode == Mode::kWrite) {
    return std::make_unique<ObjectWriter>(context, sources_[index].path, sources_[index].size, owner);
  }
  return std::make_unique<ObjectReader>(context, manifest_.objects[index], owner);
}

std::vector<DiskUrl> Program::others() const {
  std::vector<DiskUrl> urls;
  if (options_.settings.api) urls.push_back(options_.settings.api->set);
  for (const ManifestObject& object : manifest_.objects) {
    for (const MovedChunk& chunk : object.moved) {
      if (auto url = DiskUrl::parse(chunk.disk)) urls.push_back(std::move(*url));
    }
  }
  return urls;
}

void Program::runLoop() {
  pool_ = std::make_unique<tools::IoPool>(options_.ioThreads);
  cluster_ = std::make_unique<Cluster>(io_, options_.disks, others(), options_.client);
  statistics_ = std::make_unique<Statistics>(dispatcher_.now(), cluster_->peerNames());
  const RunContext context{dispatcher_, *pool_, code_, *cluster_, *statistics_, options_.settings};
  run_ = std::make_unique<ObjectRun>(
      dispatcher_, *statistics_, options_.mode == Mode::kWrite ? sources_.size() : manifest_.objects.size(),
      options_.settings.parallelObjects,
      [this, context](size_t index, ObjectTaskOwner& owner) { return createTask(context, index, owner); },
      // Posted: the last object may end inside a codec's callback.
      [this] { dispatcher_.post([this] { finish(); }); });
  progressTimer_ = dispatcher_.createTimer([this] { writeProgress(); });
  progressTimer_->enable(kProgressInterval);
  deadlineTimer_ = dispatcher_.createTimer([this] {
    interrupted_ = true;
    run_->cancel();
  });
  if (options_.deadline > Duration::zero()) deadlineTimer_->enable(options_.deadline);
  dispatcher_.post([this] { run_->start(); });
  dispatcher_.run();
  pool_->stop();
}

void Program::writeProgress() {
  progressTimer_->enable(kProgressInterval);
  nlohmann::json line = statistics_->progress(dispatcher_.now());
  line["total_bytes"] = totalBytes_;
  if (progressFd_.valid()) tools::writeJsonLine(progressFd_.get(), line);
  if (options_.json) tools::writeJsonLine(STDOUT_FILENO, line);
}

void Program::finish() {
  statistics_->finish(dispatcher_.now());
  writeProgress();
  cluster_->closeAll();
  dispatcher_.exit();
}

nlohmann::json Program::summary() const {
  nlohmann::json summary = statistics_->summary();
  const bool write = options_.mode == Mode::kWrite;
  summary["mode"] = write ? "write" : "read";
  summary["protocol"] = options_.client.protocol == Protocol::kHttp2 ? "h2" : "h1";
  summary["completed"] = run_->completed();
  summary["interrupted"] = interrupted_;
  summary["objects_total"] = run_->objects();
  summary["total_bytes"] = totalBytes_;
  summary["objects_failed"] = run_->failedJson();
  if (!write) {
    summary["read_back"] = {{"objects", run_->objects()},
                            {"verified", run_->count(ObjectOutcome::kOk)},
                            {"corrupt", run_->count(ObjectOutcome::kCorrupt)},
                            {"missing", run_->count(ObjectOutcome::kQuorumLost)}};
  }
  return summary;
}

int Program::report() {
  bool good = run_->completed();
  if (options_.mode == Mode::kWrite) {
    Manifest manifest;
    manifest.blockSize = options_.settings.blockSize;
    manifest.prefix = options_.settings.prefix;
    manifest.disks = cluster_->diskUrls();
    manifest.objects = run_->succeeded();
    if (auto saved = manifest.save(options_.manifest); !saved) {
      tools::logError("manifest_not_saved", {{"detail", saved.error().message}});
      good = false;
    }
  }
  if (!tools::writeJsonLine(STDOUT_FILENO, summary())) good = false;
  return good ? 0 : 1;
}

}  // namespace peerpulse::erasure_writer
