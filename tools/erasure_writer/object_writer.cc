#include "object_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace peerpulse::erasure_writer {

ObjectWriter::ObjectWriter(const RunContext& context, std::string source, uint64_t size, ObjectTaskOwner& owner)
    : context_(context),
      owner_(owner),
      layout_(size, context.settings.blockSize),
      io_(context.pool, context.dispatcher) {
  object_.name = Sha256::of(source);
  object_.source = std::move(source);
  object_.size = size;
  object_.stripes = layout_.stripes();
  alive_.set();
}

ObjectWriter::~ObjectWriter() = default;

void ObjectWriter::advance() {
  if (stopped_ || io_.busy()) return;
  if (nextStripe_ < layout_.stripes() && sending_.size() < context_.settings.stripeWindow) load();
}

void ObjectWriter::load() {
  loading_ = std::make_unique<Stripe>(nextStripe_, layout_.blockLength(nextStripe_));
  ++nextStripe_;
  io_.start([this] { loadResult_ = readStripe(*loading_); }, [this] { onLoaded(); });
}

// On the pool.
Result<void> ObjectWriter::readStripe(Stripe& stripe) {
  if (!file_.valid()) {
    file_ = Fd(::open(object_.source.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file_.valid()) return systemError("open " + object_.source, errno);
  }
  const size_t size = layout_.dataSize(stripe.index);
  for (size_t done = 0; done < size;) {
    const auto offset = static_cast<off_t>(layout_.offset(stripe.index) + done);
    const ssize_t n = ::pread(file_.get(), stripe.block.data() + done, size - done, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return systemError("read " + object_.source, errno);
    if (n == 0) return Error{object_.source + " became shorter while it was read"};
    done += static_cast<size_t>(n);
  }
  std::memset(stripe.block.data() + size, 0, stripe.block.length() * kDataShards - size);
  hash_.update(stripe.block.data(), size);
  context_.code.encode(stripe.block.pointers(), stripe.block.length());
  return {};
}

void ObjectWriter::onLoaded() {
  std::unique_ptr<Stripe> stripe = std::move(loading_);
  if (!stopped_ && !loadResult_) stop(ObjectOutcome::kFileError, loadResult_.error().message);
  if (stopped_) {
    finishIfIdle();
    return;
  }
  if (nextStripe_ == layout_.stripes()) object_.sha256 = hash_.finish();
  send(std::move(stripe));
  advance();
}

void ObjectWriter::send(std::unique_ptr<Stripe> owned) {
  Stripe& stripe = *owned;
  sending_.push_back(std::move(owned));
  const char* query = context_.settings.overwrite ? "?overwrite=1" : "";
  for (int shard = 0; shard < kShards; ++shard) {
    if (!alive_[static_cast<size_t>(shard)]) continue;
    ClientRequest::Spec spec;
    spec.method = "PUT";
    const std::string chunk = chunkPath(context_.settings.prefix, object_.name, stripe.index, shard);
    spec.path = (byApi(shard) ? context_.settings.api->requestPath(shard, chunk)
                              : context_.cluster.requestPath(shard, chunk)) +
                query;
    spec.body = stripe.block.shardSlice(shard);
    spec.timeout = context_.settings.timeout;
    auto& request = stripe.requests[static_cast<size_t>(shard)];
    request = std::make_unique<ClientRequest>(
        context_.dispatcher, std::move(spec),
        [this, &stripe, shard](ClientRequest& done) { onShardDone(stripe, shard, done); });
    ++stripe.outstanding;
  }
  // Two loops: a request that fails at once must find the count complete.
  for (int shard = 0; shard < kShards && !stopped_; ++shard) {
    auto& request = stripe.requests[static_cast<size_t>(shard)];
    if (!request) continue;
    if (byApi(shard)) {
      context_.cluster.submitTo(context_.settings.api->set, *request);
    } else {
      context_.cluster.submit(shard, *request);
    }
  }
}

bool ObjectWriter::byApi(int shard) const {
  return context_.settings.api && context_.settings.api->serves(context_.cluster.disk(shard));
}

// A disk that cannot be found again has nothing.
void ObjectWriter::noteDisk(const Stripe& stripe, int shard, ResponseResult& result) {
  const auto disk = context_.settings.api->diskOf(result.storedOn);
  if (!disk) {
    result.error = "stored on a disk that is not known: " + disk.error().message;
  } else if (disk->toString() != context_.cluster.disk(shard).toString()) {
    object_.moved.push_back({stripe.index, shard, disk->toString()});
    context_.statistics.onChunkMoved();
  }
}

void ObjectWriter::onShardDone(Stripe& stripe, int shard, ClientRequest& request) {
  if (byApi(shard) && request.result().ok()) noteDisk(stripe, shard, request.result());
  const size_t peer =
      byApi(shard) ? context_.cluster.peerOf(context_.settings.api->set) : context_.cluster.peerOf(shard);
  context_.statistics.onRequestDone(peer, shard, object_.name, stripe.index, request.result());
  --stripe.outstanding;
  if (!request.result().ok()) {
    alive_.reset(static_cast<size_t>(shard));
    if (alive_.count() < kDataShards) {
      stop(ObjectOutcome::kQuorumLost, "fewer than 12 shards could be stored; last: " + request.result().reason());
      return;
    }
  }
  if (stripe.outstanding == 0) onStripeDone(stripe);
}

void ObjectWriter::onStripeDone(Stripe& stripe) {
  context_.statistics.onStripeDone(layout_.dataSize(stripe.index));
  const auto found =
      std::find_if(sending_.begin(), sending_.end(), [&](const auto& owned) { return owned.get() == &stripe; });
  context_.dispatcher.deferredDelete(std::move(*found));
  sending_.erase(found);
  advance();
  finishIfIdle();
}

void ObjectWriter::stop(ObjectOutcome outcome, const std::string& detail) {
  if (stopped_) return;
  stopped_ = true;
  outcome_ = outcome;
  detail_ = detail;
  for (auto& stripe : sending_) {
    for (auto& request : stripe->requests) {
      if (request) request->cancel();
    }
    context_.dispatcher.deferredDelete(std::move(stripe));
  }
  sending_.clear();
  finishIfIdle();
}

void ObjectWriter::finishIfIdle() {
  if (reported_ || io_.busy() || !sending_.empty()) return;
  if (!stopped_ && nextStripe_ < layout_.stripes()) return;
  reported_ = true;
  object_.shards = alive_;
  owner_.onObjectDone(*this, object_, outcome_, detail_);
}

}  // namespace peerpulse::erasure_writer
