#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

#include "session.h"

namespace peerpulse::bench {

namespace {

constexpr size_t kMaxHead = 16 * 1024;
constexpr size_t kMaxChunkLine = 64;

bool equalsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

template <typename Number>
bool parseNumber(std::string_view text, Number& number, int base = 10) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

/// Cuts the first line off `text`, which has one.
std::string_view takeLine(std::string_view& text) {
  const size_t end = text.find("\r\n");
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line;
}

// Our own proxies' requests, whose framing is their business: this is a parser for a bench, strict only where it would
// otherwise answer something wrong.
//
//   Head --content-length--> Body --its last byte--> Head
//   Head --chunked--> ChunkSize --size--> ChunkData --its end--> ChunkSize --size 0--> Trailers --empty line--> Head
class Http1Session : public Session {
 public:
  explicit Http1Session(const ReplyMaker& replies) : replies_(replies) {}

  bool receive(std::string_view bytes) override;
  bool produce(Buffer& output, size_t limit) override;

 private:
  enum class State { kHead, kBody, kChunkSize, kChunkData, kTrailers };

  bool parse(std::string_view& bytes, bool& progress);
  bool parseHead(std::string_view head);
  bool parseField(std::string_view line);
  bool parseChunkSize(std::string_view line);
  void skipBody(std::string_view& bytes);
  void finishRequest();

  const ReplyMaker& replies_;
  Buffer ready_;
  std::string partial_;  // of a head or a line
  State state_ = State::kHead;
  std::string method_;
  std::string path_;
  size_t received_ = 0;  // of the body
  size_t left_ = 0;      // of the body or chunk
  bool chunked_ = false;
};

bool Http1Session::receive(std::string_view bytes) {
  std::string joined;
  if (!partial_.empty()) {
    joined = std::move(partial_);
    joined.append(bytes);
    bytes = joined;
    partial_.clear();
  }
  bool progress = true;
  while (progress && !bytes.empty()) {
    if (!parse(bytes, progress)) return false;
  }
  partial_ = bytes;
  return partial_.size() <= kMaxHead;
}

/// One step; `progress` is false when more bytes are needed for it.
bool Http1Session::parse(std::string_view& bytes, bool& progress) {
  if (state_ == State::kBody || state_ == State::kChunkData) {
    skipBody(bytes);
    return true;
  }
  const std::string_view terminator = state_ == State::kHead ? "\r\n\r\n" : "\r\n";
  const size_t end = bytes.find(terminator);
  progress = end != std::string_view::npos;
  if (!progress) return true;
  const std::string_view text = bytes.substr(0, end + 2);
  bytes.remove_prefix(end + terminator.size());
  if (state_ == State::kHead) return parseHead(text);
  if (state_ == State::kChunkSize) return parseChunkSize(text.substr(0, end));
  if (end == 0) finishRequest();  // the empty line after the trailers
  return true;
}

bool Http1Session::parseHead(std::string_view head) {
  const std::string_view line = takeLine(head);
  const size_t methodEnd = line.find(' ');
  const size_t pathEnd = line.rfind(' ');
  if (methodEnd == std::string_view::npos || pathEnd <= methodEnd) return false;
  method_ = line.substr(0, methodEnd);
  path_ = line.substr(methodEnd + 1, pathEnd - methodEnd - 1);
  received_ = left_ = 0;
  chunked_ = false;
  while (!head.empty()) {
    if (!parseField(takeLine(head))) return false;
  }
  if (chunked_) {
    state_ = State::kChunkSize;
  } else if (left_ > 0) {
    state_ = State::kBody;
  } else {
    finishRequest();
  }
  return true;
}

bool Http1Session::parseField(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' '))
    value.remove_prefix(1);
  if (equalsIgnoringCase(name, "content-length")) return parseNumber(value, left_);
  if (equalsIgnoringCase(name, "transfer-encoding")) return chunked_ = equalsIgnoringCase(value, "chunked");
  return true;
}

bool Http1Session::parseChunkSize(std::string_view line) {
  // The end of the chunk before it.
  if (line.empty()) return received_ > 0;
  if (line.size() > kMaxChunkLine || !parseNumber(line, left_, 16)) return false;
  state_ = left_ > 0 ? State::kChunkData : State::kTrailers;
  return true;
}

void Http1Session::skipBody(std::string_view& bytes) {
  const size_t n = std::min(left_, bytes.size());
  bytes.remove_prefix(n);
  received_ += n;
  left_ -= n;
  if (left_ > 0) return;
  if (state_ == State::kBody) {
    finishRequest();
  } else {
    state_ = State::kChunkSize;
  }
}

void Http1Session::finishRequest() {
  state_ = State::kHead;
  const Reply reply = replies_.answer(method_, path_, received_);
  const std::string_view status = reply.status == 200 ? "200 OK" : reply.status == 404 ? "404 Not Found" : "400 Bad";
  ready_.append("HTTP/1.1 ");
  ready_.append(status);
  ready_.append("\r\ncontent-type: application/octet-stream\r\ncontent-length: ");
  ready_.append(std::to_string(reply.body.size()));
  ready_.append("\r\n\r\n");
  ready_.append(reply.body);
}

bool Http1Session::produce(Buffer& output, size_t limit) {
  if (output.size() < limit) ready_.moveTo(output);
  return true;
}

}  // namespace

std::unique_ptr<Session> createHttp1Session(const ReplyMaker& replies) {
  return std::make_unique<Http1Session>(replies);
}

}  // namespace peerpulse::bench
