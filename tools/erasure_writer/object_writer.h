// ObjectWriter: uploads one file. Stripe by stripe it is read, hashed and encoded (on the pool), and each
// block is PUT to its shard's disk, once. A shard with a failed write is dropped for the rest of the object;
// with fewer than 12 left the object has failed.
//
// Memory: at most `stripeWindow` stripes. Threading, ownership: as ObjectTask.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>

#include "erasure_writer/object_task.h"
#include "erasure_writer/run_context.h"
#include "erasure_writer/sha256.h"
#include "erasure_writer/stripe_block.h"
#include "erasure_writer/stripe_layout.h"
#include "peerpulse/base/fd.h"

namespace peerpulse::erasure_writer {

class ObjectWriter : public ObjectTask {
 public:
  /// `size` is what the file had when the run began; a file that is shorter now is an error.
  ObjectWriter(const RunContext& context, std::string source, uint64_t size, ObjectTaskOwner& owner);
  ~ObjectWriter() override;

  void start() override { advance(); }
  void cancel() override { stop(ObjectOutcome::kCancelled, "cancelled"); }

 private:
  struct Stripe : public event::DeferredDeletable {
    Stripe(uint64_t stripeIndex, size_t blockLength) : index(stripeIndex), block(blockLength) {}
    const uint64_t index;
    StripeBlock block;
    std::array<std::unique_ptr<ClientRequest>, kShards> requests;
    int outstanding = 0;
  };

  bool byApi(int shard) const;
  void noteDisk(const Stripe& stripe, int shard, ResponseResult& result);
  void advance();
  void load();
  Result<void> readStripe(Stripe& stripe);
  void onLoaded();
  void send(std::unique_ptr<Stripe> stripe);
  void onShardDone(Stripe& stripe, int shard, ClientRequest& request);
  void onStripeDone(Stripe& stripe);
  void stop(ObjectOutcome outcome, const std::string& detail);
  void finishIfIdle();

  RunContext context_;
  ObjectTaskOwner& owner_;
  StripeLayout layout_;
  ManifestObject object_;
  Fd file_;      // used by the pool only
  Sha256 hash_;  // used by the pool only while io_ is busy
  ShardSet alive_;
  uint64_t nextStripe_ = 0;
  std::unique_ptr<Stripe> loading_;
  Result<void> loadResult_;
  std::deque<std::unique_ptr<Stripe>> sending_;
  bool stopped_ = false;
  bool reported_ = false;
  ObjectOutcome outcome_ = ObjectOutcome::kOk;
  std::string detail_;
  tools::IoSlot io_;
};

}  // namespace peerpulse::erasure_writer
