// GetExchange: sends one chunk (GET) or its length and checksum (HEAD).
//
// Blocks of 256 KiB are read ahead while fewer than two wait to be sent. A chunk that turns out corrupt is a
// 500 if nothing was sent yet, otherwise the stream is reset: its last block never leaves before the checksum
// of the whole was right.
//
// A block is made on the loop's thread, filled by the pool while nobody else refers to it, and becomes a
// slice back on the loop's thread.
//
// Threading, ownership: as Exchange.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "storage_node/chunk_reader.h"
#include "storage_node/exchange.h"

namespace peerpulse::storage_node {

class GetExchange : public Exchange {
 public:
  GetExchange(const ExchangeContext& context, Disk& disk, std::string path);

  void start() override;
  void onBodySent(size_t n) override;

 private:
  static constexpr size_t kBlockSize = 256 * 1024;
  static constexpr size_t kReadAhead = 2 * kBlockSize;

  void open();
  void readBlock();
  void onOpened();
  void onRead();
  void sendBlock();
  void advance();
  void logFailure();

  Disk& disk_;
  std::string path_;
  std::optional<ChunkReader> reader_;
  Result<void> result_;  // of the last file operation
  BlockRef block_;
  size_t blockUsed_ = 0;
  size_t unsent_ = 0;
};

}  // namespace peerpulse::storage_node
