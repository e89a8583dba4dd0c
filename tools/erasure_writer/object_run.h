// ObjectRun: works through the objects of a run, some of them at a time, and keeps the outcomes.
//
// Threading: the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "erasure_writer/object_task.h"
#include "erasure_writer/statistics.h"

namespace peerpulse::erasure_writer {

class ObjectRun : private ObjectTaskOwner {
 public:
  /// Makes the task of object `index`; called for 0, 1, ... in order.
  using Factory = std::function<std::unique_ptr<ObjectTask>(size_t index, ObjectTaskOwner& owner)>;

  /// `onFinished` is called once, from within some callback, when every object is done.
  ObjectRun(event::Dispatcher& dispatcher, Statistics& statistics, size_t objects, size_t parallel, Factory factory,
            std::function<void()> onFinished);

  void start() { fill(); }
  /// Lets go of everything under way; onFinished follows.
  void cancel();

  /// All objects done and well.
  bool completed() const { return succeeded_.size() == objects_; }
  const std::vector<ManifestObject>& succeeded() const { return succeeded_; }
  size_t count(ObjectOutcome outcome) const { return counts_[static_cast<size_t>(outcome)]; }
  size_t objects() const { return objects_; }
  /// The first failed objects: [{"source","name","outcome","detail"}].
  nlohmann::json failedJson() const;

 private:
  static constexpr size_t kMaxListed = 100;

  struct Failed {
    std::string source;
    std::string name;
    ObjectOutcome outcome;
    std::string detail;
  };

  void fill();
  void onObjectDone(ObjectTask& task, const ManifestObject& object, ObjectOutcome outcome,
                    const std::string& detail) override;

  event::Dispatcher& dispatcher_;
  Statistics& statistics_;
  size_t objects_;
  size_t parallel_;
  Factory factory_;
  std::function<void()> onFinished_;
  size_t next_ = 0;
  std::unordered_map<ObjectTask*, std::unique_ptr<ObjectTask>> active_;
  bool filling_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
  std::vector<ManifestObject> succeeded_;
  std::vector<Failed> failed_;  // the first kMaxListed
  size_t counts_[5] = {};
};

}  // namespace peerpulse::erasure_writer
