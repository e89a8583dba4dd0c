// ObjectReader: reads one object back and proves it. Of each stripe 12 shards are fetched, data shards first;
// one that fails is replaced by another and not asked again for this object. Stripes are decoded and hashed
// in order (on the pool).
//
// Memory: at most `stripeWindow` stripes. Threading, ownership: as ObjectTask.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "erasure_writer/object_task.h"
#include "erasure_writer/run_context.h"
#include "erasure_writer/sha256.h"
#include "erasure_writer/stripe_block.h"
#include "erasure_writer/stripe_layout.h"

namespace peerpulse::erasure_writer {

class ObjectReader : public ObjectTask {
 public:
  ObjectReader(const RunContext& context, const ManifestObject& object, ObjectTaskOwner& owner);
  ~ObjectReader() override;

  void start() override { advance(); }
  void cancel() override { stop(ObjectOutcome::kCancelled, "cancelled"); }

 private:
  struct Stripe : public event::DeferredDeletable {
    Stripe(uint64_t stripeIndex, size_t blockLength) : index(stripeIndex), block(blockLength) {}
    const uint64_t index;
    StripeBlock block;
    std::array<std::unique_ptr<ClientRequest>, kShards> requests;
    ShardSet requested;
    ShardSet present;
    size_t outstanding = 0;
  };

  void advance();
  void fetch(Stripe& stripe);
  void request(Stripe& stripe, int shard);
  const DiskUrl& diskOf(const Stripe& stripe, int shard) const;
  void onShardDone(Stripe& stripe, int shard, ClientRequest& request);
  void decodeFront();
  void onDecoded();
  void stop(ObjectOutcome outcome, const std::string& detail);
  void finishIfIdle();

  RunContext context_;
  ObjectTaskOwner& owner_;
  const ManifestObject object_;
  StripeLayout layout_;
  Sha256 hash_;  // used by the pool only while io_ is busy
  ShardSet usable_;
  std::map<std::pair<uint64_t, int>, DiskUrl> moved_;  // by stripe and shard
  uint64_t nextStripe_ = 0;
  std::deque<std::unique_ptr<Stripe>> stripes_;  // in order; the front one may be in the pool
  Result<void> decodeResult_;
  bool stopped_ = false;
  bool reported_ = false;
  ObjectOutcome outcome_ = ObjectOutcome::kOk;
  std::string detail_;
  tools::IoSlot io_;
};

}  // namespace peerpulse::erasure_writer
