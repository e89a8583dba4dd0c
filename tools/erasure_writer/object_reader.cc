#include "object_reader.h"

#include <cstring>

namespace peerpulse::erasure_writer {

namespace {

void copyOut(Buffer& from, uint8_t* to) {
  while (!from.empty()) {
    const Slice part = from.takeFront();
    std::memcpy(to, part.data(), part.size());
    to += part.size();
  }
}

}  // namespace

ObjectReader::ObjectReader(const RunContext& context, const ManifestObject& object, ObjectTaskOwner& owner)
    : context_(context),
      owner_(owner),
      object_(object),
      layout_(object.size, context.settings.blockSize),
      usable_(object.shards),
      io_(context.pool, context.dispatcher) {
  for (const MovedChunk& chunk : object_.moved) {
    if (auto url = DiskUrl::parse(chunk.disk)) moved_.emplace(std::pair(chunk.stripe, chunk.shard), std::move(*url));
  }
}

ObjectReader::~ObjectReader() = default;

void ObjectReader::advance() {
  while (!stopped_ && nextStripe_ < layout_.stripes() && stripes_.size() < context_.settings.stripeWindow) {
    stripes_.push_back(std::make_unique<Stripe>(nextStripe_, layout_.blockLength(nextStripe_)));
    ++nextStripe_;
    fetch(*stripes_.back());
  }
}

// Asks for as many shards as are missing to 12.
void ObjectReader::fetch(Stripe& stripe) {
  for (int shard = 0; shard < kShards && stripe.present.count() + stripe.outstanding < kDataShards; ++shard) {
    const auto bit = static_cast<size_t>(shard);
    if (usable_[bit] && !stripe.requested[bit]) request(stripe, shard);
  }
  if (stripe.present.count() + stripe.outstanding < kDataShards) {
    stop(ObjectOutcome::kQuorumLost, "stripe " + std::to_string(stripe.index) + ": fewer than 12 shards can be read");
  }
}

void ObjectReader::request(Stripe& stripe, int shard) {
  ClientRequest::Spec spec;
  spec.method = "GET";
  const DiskUrl& disk = diskOf(stripe, shard);
  spec.path = disk.path + chunkPath(context_.settings.prefix, object_.name, stripe.index, shard);
  spec.maxResponseBody = std::max<size_t>(stripe.block.length(), 64 * 1024);
  spec.timeout = context_.settings.timeout;
  auto& request = stripe.requests[static_cast<size_t>(shard)];
  request = std::make_unique<ClientRequest>(
      context_.dispatcher, std::move(spec),
      [this, &stripe, shard](ClientRequest& done) { onShardDone(stripe, shard, done); });
  stripe.requested.set(static_cast<size_t>(shard));
  ++stripe.outstanding;
  context_.cluster.submitTo(disk, *request);
}

const DiskUrl& ObjectReader::diskOf(const Stripe& stripe, int shard) const {
  const auto found = moved_.find({stripe.index, shard});
  return found == moved_.end() ? context_.cluster.disk(shard) : found->second;
}

void ObjectReader::onShardDone(Stripe& stripe, int shard, ClientRequest& request) {
  ResponseResult& result = request.result();
  if (result.ok() && result.body.size() != stripe.block.length()) result.error = "the chunk has a wrong length";
  context_.statistics.onRequestDone(context_.cluster.peerOf(diskOf(stripe, shard)), shard, object_.name, stripe.index,
                                    result);
  --stripe.outstanding;
  if (!result.ok()) {
    usable_.reset(static_cast<size_t>(shard));
    fetch(stripe);
    return;
  }
  copyOut(result.body, stripe.block.shard(shard));
  stripe.present.set(static_cast<size_t>(shard));
  if (stripe.present.count() == kDataShards) decodeFront();
}

void ObjectReader::decodeFront() {
  if (stopped_ || io_.busy() || stripes_.empty()) return;
  Stripe& stripe = *stripes_.front();
  if (stripe.present.count() < kDataShards) return;
  io_.start(
      [this, &stripe] {
        decodeResult_ = context_.code.reconstructData(stripe.block.pointers(), stripe.block.length(), stripe.present);
        if (decodeResult_) hash_.update(stripe.block.data(), layout_.dataSize(stripe.index));
      },
      [this] { onDecoded(); });
}

void ObjectReader::onDecoded() {
  std::unique_ptr<Stripe> stripe = std::move(stripes_.front());
  stripes_.pop_front();
  if (!stopped_ && !decodeResult_) stop(ObjectOutcome::kCorrupt, decodeResult_.error().message);
  if (!stopped_) {
    context_.statistics.onStripeDone(layout_.dataSize(stripe->index));
    if ((stripe->present.to_ulong() & ((1UL << kDataShards) - 1)) != (1UL << kDataShards) - 1) {
      context_.statistics.onStripeReconstructed();
    }
    if (stripe->index + 1 == layout_.stripes() && hash_.finish() != object_.sha256) {
      stop(ObjectOutcome::kCorrupt, "the SHA-256 differs");
    }
  }
  context_.dispatcher.deferredDelete(std::move(stripe));
  advance();
  decodeFront();
  finishIfIdle();
}

void ObjectReader::stop(ObjectOutcome outcome, const std::string& detail) {
  if (stopped_) return;
  stopped_ = true;
  outcome_ = outcome;
  detail_ = detail;
  const size_t inPool = io_.busy() ? 1 : 0;
  for (auto& stripe : stripes_) {
    for (auto& request : stripe->requests) {
      if (request) request->cancel();
    }
  }
  while (stripes_.size() > inPool) {
    context_.dispatcher.deferredDelete(std::move(stripes_.back()));
    stripes_.pop_back();
  }
  finishIfIdle();
}

void ObjectReader::finishIfIdle() {
  if (reported_ || io_.busy() || !stripes_.empty()) return;
  if (!stopped_ && nextStripe_ < layout_.stripes()) return;
  reported_ = true;
  owner_.onObjectDone(*this, object_, outcome_, detail_);
}

}  // namespace peerpulse::erasure_writer
