#include "get_exchange.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "common/json_line.h"

namespace peerpulse::storage_node {

GetExchange::GetExchange(const ExchangeContext& context, Disk& disk, std::string path)
    : Exchange(context), disk_(disk), path_(std::move(path)) {}

void GetExchange::start() {
  if (!isHead()) block_ = BlockRef::adopt(Block::create(kBlockSize));
  runIo([this] { open(); }, [this] { onOpened(); });
}

// On the pool. The first block comes along, so that small chunks are proven before their answer starts.
void GetExchange::open() {
  auto reader = ChunkReader::open(disk_, path_);
  if (!reader) {
    result_ = reader.error();
    return;
  }
  reader_.emplace(std::move(*reader));
  if (!isHead()) readBlock();
}

void GetExchange::readBlock() {
  blockUsed_ = static_cast<size_t>(std::min<uint64_t>(kBlockSize, reader_->remaining()));
  result_ = reader_->read(block_->data(), blockUsed_);
}

void GetExchange::onOpened() {
  if (!result_) {
    Problem problem = problemOf(result_.error());
    if (problem.status == 409) problem.status = 404;  // a directory, or below a chunk: no chunk there
    if (problem.status == 404) problem.detail = "no such chunk";
    if (problem.status >= 500) logFailure();
    replyProblem(problem);
    return;
  }
  http::ResponseHead head;
  head.status = 200;
  head.contentLength = reader_->length();
  char tag[32];
  std::snprintf(tag, sizeof tag, "\"crc32c-%08x\"", reader_->crc());
  head.headers.add("content-type", "application/octet-stream");
  head.headers.add("content-length", std::to_string(reader_->length()));
  head.headers.add("etag", tag);
  const bool end = isHead() || reader_->length() == 0;
  stream()->sendHeaders(head, end);
  if (!end) sendBlock();
}

void GetExchange::onRead() {
  if (!result_) {
    logFailure();
    resetStream(http::ResetReason::kInternal);
    return;
  }
  sendBlock();
}

void GetExchange::sendBlock() {
  if (stream() == nullptr) return;
  const uint8_t* bytes = block_->data();
  unsent_ += blockUsed_;
  stream()->sendData(Slice(std::move(block_), bytes, blockUsed_));
  if (reader_->remaining() == 0) {
    if (stream() != nullptr) stream()->sendEnd();
    return;
  }
  advance();
}

void GetExchange::onBodySent(size_t n) {
  unsent_ -= std::min(n, unsent_);
  advance();
}

void GetExchange::advance() {
  if (stream() == nullptr || ioBusy() || !reader_ || reader_->remaining() == 0 || !result_) return;
  if (unsent_ + kBlockSize > kReadAhead) return;
  block_ = BlockRef::adopt(Block::create(kBlockSize));
  runIo([this] { readBlock(); }, [this] { onRead(); });
}

void GetExchange::logFailure() {
  tools::logError("chunk_read_failed",
                  {{"disk", disk_.name()}, {"path", path_}, {"detail", result_.error().message}});
}

}  // namespace peerpulse::storage_node
