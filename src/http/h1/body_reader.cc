#include "body_reader.h"

#include <algorithm>
#include <string>

#include "../small_frame.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::http::h1 {
namespace {

/// As in h2: a small piece is copied so that it does not keep a whole read block alive.
constexpr size_t kCopyBelow = 2048;

Slice pieceOf(const Slice& in, const char* at, size_t size) {
  return size < kCopyBelow ? Slice::copyOf({at, size}) : in.subAt(at, size);
}

Slice takePiece(Slice& in, size_t size) {
  Slice piece = pieceOf(in, in.view().data(), size);
  in.removePrefix(size);
  return piece;
}

BodyState stateFor(BodyKind kind) {
  switch (kind) {
    case BodyKind::kNone: return BodyState::kDone;
    case BodyKind::kLength: return BodyState::kLength;
    case BodyKind::kChunked: return BodyState::kChunked;
    case BodyKind::kUntilClose: return BodyState::kUntilClose;
    case BodyKind::kTunnel: return BodyState::kTunnel;
  }
  return BodyState::kFault;
}

}  // namespace

const llhttp_settings_t& BodyReader::settings() {
  static const llhttp_settings_t kSettings = [] {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_body = &BodyReader::onBody;
    settings.on_headers_complete = [](llhttp_t* parser) -> int {
      // Whether this becomes a tunnel is for the 101 to say, not for the request's Upgrade field.
      parser->upgrade = 0;
      return static_cast<BodyReader*>(parser->data)->bodyless_ ? 1 : 0;
    };
    // One message per parser: what follows is a matter of the codec.
    settings.on_message_complete = [](llhttp_t*) -> int { return HPE_PAUSED; };
    return settings;
  }();
  return kSettings;
}

// At most once in an execute(): ChunkLint gives one chunk's data at a time.
int BodyReader::onBody(llhttp_t* parser, const char* at, size_t size) {
  auto& self = *static_cast<BodyReader*>(parser->data);
  if (size == 0) return 0;
  if (self.input_ == nullptr || !self.piece_.empty()) return -1;
  self.piece_ = pieceOf(*self.input_, at, size);
  return 0;
}

std::optional<Fault> BodyReader::start(std::string_view section, const ParsedRequest& request) {
  // Reserved: it is how the h2 preface looks to an h1 parser (RFC 9113 11.6).
  if (request.head.method == "PRI") return Fault{501, "method not known"};
  // Any other token is a method (RFC 9110 9.1), but llhttp knows a fixed list only: it is shown one that has no rules of
  // its own in the place of each.
  section.remove_prefix(request.head.method.size());
  return begin(HTTP_REQUEST, "POST", section, request.framing, request.budget);
}

std::optional<Fault> BodyReader::start(std::string_view section, const ParsedResponse& response) {
  return begin(HTTP_RESPONSE, {}, section, response.framing, response.budget);
}

void BodyReader::startSecond() {
  Framing framing;
  framing.kind = BodyKind::kChunked;
  const auto fault =
      begin(HTTP_REQUEST, "POST", " / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", framing, budget_);
  PP_ASSERT(!fault);
}

std::optional<Fault> BodyReader::begin(llhttp_type type, std::string_view method, std::string_view section,
                                       const Framing& framing, SectionBudget budget) {
  llhttp_init(&parser_, type, &settings());
  parser_.data = this;
  bodyless_ = framing.kind == BodyKind::kNone || framing.kind == BodyKind::kTunnel;
  left_ = framing.length;
  budget_ = budget;
  trailers_ = HeaderList();
  lint_.restart();
  if (!executeHead(method, section)) return fault_;
  // Both must have read the same framing.
  const bool chunked = (parser_.flags & F_CHUNKED) != 0;
  if (!bodyless_ && chunked != (framing.kind == BodyKind::kChunked)) return Fault{400, "ambiguous framing"};
  if (framing.kind == BodyKind::kLength && parser_.content_length != framing.length) {
    return Fault{400, "ambiguous framing"};
  }
  state_ = Machine(stateFor(framing.kind));
  return std::nullopt;
}

bool BodyReader::executeHead(std::string_view method, std::string_view section) {
  if (!method.empty() && !execute(method)) return false;
  if (section.find('\t') == std::string_view::npos) return execute(section).has_value();
  // A tab is as good as a space wherever white space may stand (RFC 9110 5.6.3); llhttp 8.1.0 takes only spaces behind
  // Content-Length and Transfer-Encoding, and it reads nothing else of a head.
  std::string spaced(section);
  std::replace(spaced.begin(), spaced.end(), '\t', ' ');
  return execute(spaced).has_value();
}

std::optional<llhttp_errno_t> BodyReader::execute(std::string_view bytes) {
  const llhttp_errno_t code = llhttp_execute(&parser_, bytes.data(), bytes.size());
  if (code == HPE_OK || code == HPE_PAUSED) return code;
  fault_ = Fault{400, llhttp_errno_name(code)};
  return std::nullopt;
}

void BodyReader::fail(Fault fault) {
  fault_ = fault;
  state_.to(BodyState::kFault);
}

Slice BodyReader::next(Slice& in) {
  if (in.empty()) return {};
  switch (state_.now()) {
    case BodyState::kLength: return nextOfLength(in);
    case BodyState::kChunked:
    case BodyState::kTrailers: return nextChunk(in);
    case BodyState::kUntilClose:
    case BodyState::kTunnel: return takePiece(in, in.size());
    case BodyState::kDone:
    case BodyState::kFault: break;
  }
  return {};
}

uint64_t BodyReader::committed() const {
  if (state_.is(BodyState::kLength)) return left_ < kSmallFrame ? left_ : 0;
  return state_.is(BodyState::kChunked) ? lint_.dataLeft() : 0;
}

Slice BodyReader::nextOfLength(Slice& in) {
  const auto n = static_cast<size_t>(std::min<uint64_t>(left_, in.size()));
  left_ -= n;
  if (left_ == 0) state_.to(BodyState::kDone);
  return takePiece(in, n);
}

Slice BodyReader::nextChunk(Slice& in) {
  while (state_.is(BodyState::kChunked) && !in.empty()) {
    const auto [n, shown] = lint_.feed(in.view());
    input_ = &in;
    const auto code = n > 0 && shown ? execute(in.view().substr(0, n)) : HPE_OK;
    input_ = nullptr;
    Slice piece = std::exchange(piece_, Slice());
    in.removePrefix(n);
    if (!code) {
      fail(fault_);
    } else if (lint_.fault()) {
      fail(*lint_.fault());
    } else if (lint_.inTrailers()) {
      state_.to(BodyState::kTrailers);
    }
    if (!piece.empty()) return piece;
  }
  if (state_.is(BodyState::kTrailers) && !in.empty()) readTrailers(in);
  return {};
}

void BodyReader::readTrailers(Slice& in) {
  std::string_view rest = in.view();
  const HeadScanner::Status status = lint_.feedTrailers(rest);
  if (status == HeadScanner::Status::kFault) {
    fail(lint_.trailers().fault());
  } else if (status == HeadScanner::Status::kComplete) {
    const auto fault = parseTrailerLines(lint_.trailers().lines().text, limits_, budget_, trailers_);
    if (fault) {
      fail(*fault);
    } else if (execute("\r\n") != HPE_PAUSED) {
      fail(Fault{400, "ambiguous framing"});
    } else {
      state_.to(BodyState::kDone);
    }
  }
  in.removePrefix(in.size() - rest.size());
}

bool BodyReader::endOfFile() {
  if (state_.is(BodyState::kUntilClose, BodyState::kTunnel)) state_.to(BodyState::kDone);
  return done();
}

}  // namespace peerpulse::http::h1
