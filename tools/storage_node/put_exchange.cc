#include "put_exchange.h"

#include <cstdio>

#include <nlohmann/json.hpp>

#include "common/json_line.h"

namespace peerpulse::storage_node {

namespace {

constexpr int kIovecsPerWrite = 64;

}  // namespace

PutExchange::PutExchange(const ExchangeContext& context, Disk& disk, Request request)
    : Exchange(context),
      request_(std::move(request)),
      writer_(disk, request_.target.path, request_.target.overwrite) {}

void PutExchange::start() {
  if (request_.contentLength.value_or(0) > request_.maxSize) {
    fail(Problem{413, "the chunk is larger than " + std::to_string(request_.maxSize) + " bytes"});
    return;
  }
  runIo([this] { result_ = writer_.open(); }, [this] { onOpened(); });
}

void PutExchange::onOpened() {
  if (state_ == State::kAnswered) return;
  if (!result_) {
    failWith(result_.error());
    return;
  }
  state_ = State::kReceiving;
  if (received_ == 0) sendContinue();
  advance();
}

void PutExchange::onData(Slice data) {
  if (state_ == State::kAnswered) {
    Exchange::onData(std::move(data));
    return;
  }
  received_ += data.size();
  pending_.append(std::move(data));
  if (received_ > request_.maxSize) {
    fail(Problem{413, "the chunk is larger than " + std::to_string(request_.maxSize) + " bytes"});
    return;
  }
  advance();
}

void PutExchange::onEnd() {
  ended_ = true;
  Exchange::onEnd();
  advance();
}

void PutExchange::advance() {
  if (state_ != State::kReceiving || ioBusy()) return;
  if (!pending_.empty() || !writing_.empty()) {
    writePending();
  } else if (ended_) {
    commit();
  }
}

void PutExchange::writePending() {
  pending_.moveTo(writing_);
  runIo(
      [this] {
        // Nothing may be drained here (slices are the loop's): a window in more pieces than this takes is
        // written in several turns.
        iovec entries[kIovecsPerWrite];
        result_ = writer_.append(entries, writing_.fillIovecs(entries, kIovecsPerWrite));
      },
      [this] { onWritten(); });
}

void PutExchange::onWritten() {
  if (!result_ || state_ == State::kAnswered) {
    const size_t unwritten = writing_.size();
    writing_.clear();
    if (state_ != State::kAnswered) failWith(result_.error());
    if (stream() != nullptr) stream()->consumed(unwritten);
    return;
  }
  iovec entries[kIovecsPerWrite];
  const int count = writing_.fillIovecs(entries, kIovecsPerWrite);
  size_t written = 0;
  for (int i = 0; i < count; ++i)
    written += entries[i].iov_len;
  writing_.drain(written);
  stream()->consumed(written);
  advance();
}

void PutExchange::commit() {
  if (request_.contentLength.has_value() && received_ != *request_.contentLength) {
    fail(Problem{400, "the body is not as long as content-length says"});
    return;
  }
  state_ = State::kCommitting;
  runIo([this] { result_ = writer_.commit(); }, [this] { onCommitted(); });
}

void PutExchange::onCommitted() {
  if (!result_) {
    failWith(result_.error());
    return;
  }
  state_ = State::kAnswered;
  aborted_ = true;  // nothing left to undo
  char tag[32];
  std::snprintf(tag, sizeof tag, "\"crc32c-%08x\"", writer_.crc());
  http::HeaderList headers;
  headers.add("etag", tag);
  reply(writer_.replaces() ? 204 : 201, std::move(headers), "", "");
}

void PutExchange::failWith(const Error& error) {
  Problem problem = problemOf(error);
  // Nothing under a path to be written can be "not found"; a directory vanished or the disk is broken.
  if (problem.status == 404) problem.status = 500;
  if (problem.status >= 500) {
    tools::logError("chunk_write_failed", {{"disk", request_.target.disk},
                                           {"path", request_.target.path},
                                           {"status", problem.status},
                                           {"detail", problem.detail}});
  }
  fail(problem);
}

void PutExchange::fail(const Problem& problem) {
  state_ = State::kAnswered;
  const size_t dropped = pending_.size();
  pending_.clear();
  replyProblem(problem);
  if (stream() != nullptr && dropped > 0) stream()->consumed(dropped);
  if (!ioBusy()) cleanUp();
}

bool PutExchange::cleanUp() {
  pending_.clear();
  writing_.clear();
  if (aborted_) return false;
  aborted_ = true;
  runIo([this] { writer_.abort(); }, [] {});
  return true;
}

}  // namespace peerpulse::storage_node
