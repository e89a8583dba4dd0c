#include "object_run.h"

#include <nlohmann/json.hpp>

namespace peerpulse::erasure_writer {

ObjectRun::ObjectRun(event::Dispatcher& dispatcher, Statistics& statistics, size_t objects, size_t parallel,
                     Factory factory, std::function<void()> onFinished)
    : dispatcher_(dispatcher),
      statistics_(statistics),
      objects_(objects),
      parallel_(parallel),
      factory_(std::move(factory)),
      onFinished_(std::move(onFinished)) {}

void ObjectRun::fill() {
  if (filling_) return;  // an object that ends at once comes back here: the loop below goes on
  filling_ = true;
  while (!cancelled_ && next_ < objects_ && active_.size() < parallel_) {
    auto task = factory_(next_++, *this);
    ObjectTask* raw = task.get();
    active_.emplace(raw, std::move(task));
    raw->start();
  }
  filling_ = false;
  if (!finished_ && active_.empty() && (cancelled_ || next_ == objects_)) {
    finished_ = true;
    onFinished_();
  }
}

void ObjectRun::cancel() {
  cancelled_ = true;
  std::vector<ObjectTask*> tasks;
  for (const auto& [task, owner] : active_)
    tasks.push_back(task);
  for (ObjectTask* task : tasks)
    task->cancel();
  fill();
}

void ObjectRun::onObjectDone(ObjectTask& task, const ManifestObject& object, ObjectOutcome outcome,
                             const std::string& detail) {
  ++counts_[static_cast<size_t>(outcome)];
  if (outcome == ObjectOutcome::kOk) {
    statistics_.onObjectDone();
    succeeded_.push_back(object);
  } else if (failed_.size() < kMaxListed) {
    failed_.push_back({object.source, object.name, outcome, detail});
  }
  const auto found = active_.find(&task);
  dispatcher_.deferredDelete(std::move(found->second));
  active_.erase(found);
  fill();
}

nlohmann::json ObjectRun::failedJson() const {
  nlohmann::json list = nlohmann::json::array();
  for (const Failed& failed : failed_) {
    list.push_back({{"source", failed.source},
                    {"name", failed.name},
                    {"outcome", toString(failed.outcome)},
                    {"detail", failed.detail}});
  }
  return list;
}

}  // namespace peerpulse::erasure_writer
