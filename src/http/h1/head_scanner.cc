#include "head_scanner.h"

#include <algorithm>

#include "../byte_scan.h"
#include "../tls_record.h"

namespace peerpulse::http::h1 {
namespace {

/// So far beyond its limit a section is always complete or refused: an empty line before it, two line ends.
constexpr size_t kBeyondLimit = 8;
/// A string that grew beyond this is given back after its section.
constexpr size_t kKeepCapacity = 4096;

}  // namespace

void HeadScanner::restart() {
  if (kept_.capacity() > kKeepCapacity) kept_ = std::string();
  kept_.clear();
  text_ = {};
  start_ = lineStart_ = at_ = lines_ = 0;
}

HeadScanner::Status HeadScanner::fail(int status, const char* detail) {
  fault_ = {status, detail};
  return Status::kFault;
}

HeadScanner::Status HeadScanner::feed(std::string_view& in) {
  const size_t before = kept_.size();
  if (before == 0) {
    text_ = in;
  } else {
    kept_.append(in.substr(0, sectionLimit() + kBeyondLimit - std::min(before, sectionLimit())));
    text_ = kept_;
  }
  const Status status = scan();
  switch (status) {
    case Status::kComplete: in.remove_prefix(at_ - before); break;
    case Status::kFault: in = {}; break;
    case Status::kNeedMore:
      if (before == 0) kept_ = in;
      in = {};
      break;
  }
  return status;
}

HeadScanner::Status HeadScanner::scan() {
  while (at_ < text_.size()) {
    const size_t end = findControl(text_, at_);
    if (end > at_ && !checkRun(end)) return Status::kFault;
    at_ = end;
    if (at_ == text_.size()) break;
    if (text_[at_] == '\n') return fail(400, "bare LF");
    if (text_[at_] != '\r') return fail(400, controlProblem());
    if (at_ + 1 == text_.size()) break;
    if (text_[at_ + 1] != '\n') return fail(400, "bare CR");
    const Status status = endLine();
    if (status != Status::kNeedMore) return status;
  }
  return Status::kNeedMore;
}

const char* HeadScanner::controlProblem() const {
  if (at_ > 0 || kind_ == Kind::kTrailers || !isTlsRecord(text_)) return "control character";
  return kind_ == Kind::kRequest ? kTlsFromClient : kTlsFromPeer;
}

bool HeadScanner::checkRun(size_t end) {
  if (at_ == lineStart_ && (text_[at_] == ' ' || text_[at_] == '\t')) {
    fail(400, lines_ == 0 ? "space before the message" : "folded field line");
    return false;
  }
  const bool startLine = lines_ == 0 && kind_ != Kind::kTrailers;
  const size_t lineLimit = lineStart_ + (startLine ? limits_.maxRequestLineSize : limits_.maxHeaderFieldSize);
  const size_t limit = start_ + sectionLimit();
  if (end <= std::min(lineLimit, limit)) return true;
  if (limit < lineLimit) {
    fail(431, "header section over the limit");
  } else if (startLine) {
    fail(414, "start line over the limit");
  } else {
    fail(431, "field over the limit");
  }
  return false;
}

HeadScanner::Status HeadScanner::endLine() {
  const bool empty = at_ == lineStart_;
  at_ += 2;
  if (empty && (lines_ > 0 || kind_ == Kind::kTrailers)) return Status::kComplete;
  lineStart_ = at_;
  if (empty) {
    // One empty line before a request is forgiven (RFC 9112 2.2).
    if (kind_ == Kind::kResponse || start_ > 0) return fail(400, "empty line before the message");
    start_ = at_;
    return Status::kNeedMore;
  }
  if (++lines_ > limits_.maxHeaderCount + 1) return fail(431, "too many fields");
  return Status::kNeedMore;
}

}  // namespace peerpulse::http::h1
