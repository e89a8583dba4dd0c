// PutExchange: takes one chunk. The body is written as it arrives; 201 (204 when it replaced one) after it is
// on the disk for good.
//
//   Opening --opened--> Receiving --end and all written--> Committing --> Answered
//   any --error--> Answered (the rest of the body is discarded)
//
// Body slices stay with the loop's thread: while the pool writes, it only reads the bytes they cover, and the
// slices in writing_ are not touched until it is done. The credit for them is given back then, so at most one
// stream window waits in memory.
//
// Threading, ownership: as Exchange.
#pragma once

#include <cstdint>
#include <optional>

#include "peerpulse/base/buffer.h"
#include "storage_node/chunk_path.h"
#include "storage_node/chunk_writer.h"
#include "storage_node/exchange.h"

namespace peerpulse::storage_node {

class PutExchange : public Exchange {
 public:
  struct Request {
    ChunkPath target;
    std::optional<uint64_t> contentLength;
    uint64_t maxSize = 0;
  };

  PutExchange(const ExchangeContext& context, Disk& disk, Request request);

  void start() override;
  void onData(Slice data) override;
  void onEnd() override;

 private:
  enum class State : uint8_t { kOpening, kReceiving, kCommitting, kAnswered };

  bool cleanUp() override;
  void onOpened();
  void advance();
  void writePending();
  void onWritten();
  void commit();
  void onCommitted();
  void fail(const Problem& problem);
  void failWith(const Error& error);

  const Request request_;
  ChunkWriter writer_;
  State state_ = State::kOpening;
  Buffer pending_;  // arrived, not being written
  Buffer writing_;  // the pool reads it while ioBusy()
  uint64_t received_ = 0;
  bool ended_ = false;
  bool aborted_ = false;
  Result<void> result_;  // of the last file operation
};

}  // namespace peerpulse::storage_node
