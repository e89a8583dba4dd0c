#include "body_reader.h"

#include <algorithm>

#include "peerpulse/base/assert.h"

namespace peerpulse::http::h1 {
namespace {

/// As in h2: a small piece is copied so that it does not keep a whole read block alive.
constexpr size_t kCopyBelow = 2048;
constexpr size_t kMaxChunkDigits = 16;
/// Extensions of all chunks of a message together, in units of the limit of one (4 KiB by default).
constexpr size_t kExtensionFactor = 16;

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Slice pieceOf(const Slice& in, const char* at, size_t size) {
  return size < kCopyBelow ? Slice::copyOf({at, size}) : in.subAt(at, size);
}

}  // namespace

bool isKnownMethod(std::string_view method) {
#define PEERPULSE_SAME_METHOD(number, name, string) \
  if (method == #string) return true;
  HTTP_METHOD_MAP(PEERPULSE_SAME_METHOD)
#undef PEERPULSE_SAME_METHOD
  return false;
}

// --- ChunkLint ------------------------------------------------------------------------------------------

void ChunkLint::restart() {
  state_ = State::kSize;
  size_ = 0;
  digits_ = extension_ = allExtensions_ = 0;
  trailers_.restart(HeadScanner::Kind::kTrailers);
  fault_.reset();
}

bool ChunkLint::fail(const char* detail) {
  fault_ = Fault{400, detail};
  return false;
}

size_t ChunkLint::feed(std::string_view in) {
  size_t at = 0;
  while (at < in.size() && state_ != State::kTrailers) {
    if (state_ == State::kData) {
      const auto n = static_cast<size_t>(std::min<uint64_t>(size_, in.size() - at));
      size_ -= n;
      at += n;
      if (size_ == 0) state_ = State::kDataCr;
      continue;
    }
    if (!step(in[at])) return at;
    ++at;
  }
  return at;
}

bool ChunkLint::step(char c) {
  switch (state_) {
    case State::kSize: return sizeByte(c);
    case State::kExtension: return extensionByte(c);
    case State::kSizeLf:
      if (c != '\n') return fail("bare CR in a chunk line");
      state_ = size_ == 0 ? State::kTrailers : State::kData;
      return true;
    case State::kDataCr:
      if (c != '\r') return fail("chunk data without CRLF");
      state_ = State::kDataLf;
      return true;
    case State::kDataLf:
      if (c != '\n') return fail("chunk data without CRLF");
      state_ = State::kSize;
      size_ = digits_ = extension_ = 0;
      return true;
    case State::kData:
    case State::kTrailers: break;
  }
  return true;
}

bool ChunkLint::sizeByte(char c) {
  const int value = hexValue(c);
  if (value >= 0) {
    if (++digits_ > kMaxChunkDigits) return fail("chunk size too long");
    size_ = size_ << 4 | static_cast<uint64_t>(value);
    if (size_ > INT64_MAX) return fail("chunk size too large");
    return true;
  }
  if (digits_ == 0) return fail("malformed chunk size");
  if (c == '\r') {
    state_ = State::kSizeLf;
  } else if (c == ';') {
    state_ = State::kExtension;
  } else {
    return fail("malformed chunk size");
  }
  return true;
}

bool ChunkLint::extensionByte(char c) {
  if (c == '\r') {
    state_ = State::kSizeLf;
    return true;
  }
  const auto u = static_cast<unsigned char>(c);
  if ((u < 0x20 && c != '\t') || u == 0x7f) return fail("control character in a chunk extension");
  if (++extension_ > limits_.maxChunkExtension) return fail("chunk extension over the limit");
  if (++allExtensions_ > limits_.maxChunkExtension * kExtensionFactor) {
    return fail("chunk extensions over the limit");
  }
  return true;
}

// --- BodyReader -----------------------------------------------------------------------------------------

BodyReader::BodyReader(const CodecLimits& limits) : limits_(limits), lint_(limits) {
  llhttp_settings_init(&settings_);
  settings_.on_body = &BodyReader::onBody;
  settings_.on_headers_complete = [](llhttp_t* parser) -> int {
    // Whether this becomes a tunnel is for the 101 to say, not for the request's Upgrade field.
    parser->upgrade = 0;
    return static_cast<BodyReader*>(parser->data)->bodyless_ ? 1 : 0;
  };
  // One message per parser: what follows is a matter of the codec.
  settings_.on_message_complete = [](llhttp_t*) -> int { return HPE_PAUSED; };
}

int BodyReader::onBody(llhttp_t* parser, const char* at, size_t size) {
  auto& self = *static_cast<BodyReader*>(parser->data);
  if (size > 0) self.output_->push_back(pieceOf(*self.input_, at, size));
  return 0;
}

std::optional<Fault> BodyReader::start(llhttp_type type, std::string_view head, const ParsedRequest& request) {
  if (!isKnownMethod(request.head.method)) return Fault{501, "method not known"};
  return begin(type, head, request.framing, request.budget);
}

std::optional<Fault> BodyReader::start(llhttp_type type, std::string_view head, const ParsedResponse& response) {
  return begin(type, head, response.framing, response.budget);
}

std::optional<Fault> BodyReader::begin(llhttp_type type, std::string_view head, const Framing& framing,
                                       SectionBudget budget) {
  llhttp_init(&parser_, type, &settings_);
  parser_.data = this;
  kind_ = framing.kind;
  bodyless_ = kind_ == BodyKind::kNone || kind_ == BodyKind::kTunnel;
  done_ = kind_ == BodyKind::kNone;
  budget_ = budget;
  fault_.reset();
  trailers_ = HeaderList();
  lint_.restart();
  if (!execute(head.data(), head.size()) || !execute("\r\n", 2)) return fault_;
  // Both must have read the same framing.
  const bool chunked = (parser_.flags & F_CHUNKED) != 0;
  if (!bodyless_ && chunked != (kind_ == BodyKind::kChunked)) return Fault{400, "ambiguous framing"};
  if (kind_ == BodyKind::kLength && parser_.content_length != framing.length) {
    return Fault{400, "ambiguous framing"};
  }
  return std::nullopt;
}

bool BodyReader::execute(const char* at, size_t size) {
  const llhttp_errno_t code = llhttp_execute(&parser_, at, size);
  if (code == HPE_OK) return true;
  if (code == HPE_PAUSED) {
    done_ = true;
    return true;
  }
  fault_ = Fault{400, llhttp_errno_name(code)};
  return false;
}

void BodyReader::feed(Slice& in, std::vector<Slice>& out) {
  if (done_ || fault_ || in.empty()) return;
  if (kind_ == BodyKind::kUntilClose || kind_ == BodyKind::kTunnel) {
    out.push_back(pieceOf(in, reinterpret_cast<const char*>(in.data()), in.size()));
    in = Slice();
    return;
  }
  input_ = &in;
  output_ = &out;
  if (kind_ == BodyKind::kChunked) {
    feedChunked(in, out);
  } else {
    // parser_.content_length counts down to what is missing.
    const auto n = static_cast<size_t>(std::min<uint64_t>(parser_.content_length, in.size()));
    execute(reinterpret_cast<const char*>(in.data()), n);
    in.removePrefix(n);
  }
  input_ = nullptr;
  output_ = nullptr;
}

void BodyReader::feedChunked(Slice& in, std::vector<Slice>&) {
  if (!lint_.inTrailers()) {
    const size_t n = lint_.feed(in.view());
    if (n > 0 && !execute(reinterpret_cast<const char*>(in.data()), n)) return;
    in.removePrefix(n);
    if (lint_.fault()) fault_ = lint_.fault();
    if (fault_ || !lint_.inTrailers()) return;
  }
  std::string_view rest = in.view();
  const HeadScanner::Status status = lint_.feedTrailers(rest);
  in.removePrefix(in.size() - rest.size());
  if (status == HeadScanner::Status::kNeedMore) return;
  if (status == HeadScanner::Status::kFault) {
    fault_ = lint_.trailers().fault();
    return;
  }
  fault_ = parseTrailers(lint_.trailers().text(), limits_, budget_, trailers_);
  if (!fault_) execute("\r\n", 2);
}

bool BodyReader::endOfFile() {
  if (kind_ != BodyKind::kUntilClose && kind_ != BodyKind::kTunnel) return done_;
  done_ = true;
  return true;
}

}  // namespace peerpulse::http::h1
