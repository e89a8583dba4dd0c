// BodyReader: the body of one incoming message, from raw bytes to slices. llhttp reads the head again, which
// must come to the same framing, and parses chunks behind ChunkLint.
//
//    start() --+--> kLength ------------------.
//              +--> kChunked --> kTrailers ---+--> kDone <--> kTunnel
//              +--> kUntilClose ---|----|-----'
//              `--> kTunnel        '----+--> kFault
//
// Threading: one thread. Ownership: a value; the slices share the memory of the input.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <llhttp/llhttp.h>

#include "chunk_lint.h"
#include "head_parser.h"
#include "peerpulse/base/slice.h"

namespace peerpulse::http::h1 {

enum class BodyState : uint8_t { kLength, kChunked, kTrailers, kUntilClose, kTunnel, kDone, kFault };

constexpr bool mayFollow(BodyState from, BodyState to) {
  switch (from) {
    case BodyState::kChunked: return oneOf(to, BodyState::kTrailers, BodyState::kFault);
    case BodyState::kTrailers: return oneOf(to, BodyState::kDone, BodyState::kFault);
    case BodyState::kLength:
    case BodyState::kUntilClose:
    case BodyState::kTunnel: return to == BodyState::kDone;
    case BodyState::kDone: return to == BodyState::kTunnel;
    case BodyState::kFault: return false;
  }
  return false;
}

class BodyReader {
 public:
  explicit BodyReader(const CodecLimits& limits) : limits_(limits), lint_(limits) {}
  BodyReader(const BodyReader&) = delete;
  BodyReader& operator=(const BodyReader&) = delete;

  /// Starts the body after a linted head (`section`: with its empty line), which llhttp gets to see first. A
  /// fault if llhttp refuses it.
  std::optional<Fault> start(std::string_view section, const ParsedRequest& request);
  std::optional<Fault> start(std::string_view section, const ParsedResponse& response);
  /// Another chunked body of the same request. Requires done(), and that the first one was chunked.
  void startSecond();

  /// Takes the next piece of the body from the front of `in`. Empty: there is none for now; done() and fault()
  /// say whether there will be.
  Slice next(Slice& in);
  bool done() const { return state_.is(BodyState::kDone); }
  /// Of the piece that next() gave the last part of, this much more is sure to follow at once: the rest of a chunk. Of a
  /// body of known length only its last bytes: before that, what came by itself may be meant by itself.
  uint64_t committed() const;
  /// What is wrong; nullptr while nothing is.
  const Fault* fault() const { return state_.is(BodyState::kFault) ? &fault_ : nullptr; }
  HeaderList takeTrailers() { return std::exchange(trailers_, HeaderList()); }
  /// The other side ended the bytes; true if that ends the body in order.
  bool endOfFile();
  /// From now on raw bytes in that direction. Requires done().
  void becomeTunnel() { state_.to(BodyState::kTunnel); }

 private:
  std::optional<Fault> begin(llhttp_type type, std::string_view method, std::string_view section,
                             const Framing& framing, SectionBudget budget);
  Slice nextOfLength(Slice& in);
  Slice nextChunk(Slice& in);
  void readTrailers(Slice& in);
  /// Lets llhttp see a head.
  bool executeHead(std::string_view method, std::string_view section);
  /// Lets llhttp see bytes. Empty after a fault.
  std::optional<llhttp_errno_t> execute(std::string_view bytes);
  void fail(Fault fault);
  static const llhttp_settings_t& settings();
  static int onBody(llhttp_t* parser, const char* at, size_t size);

  const CodecLimits& limits_;
  Machine<BodyState> state_{BodyState::kDone};
  llhttp_t parser_{};
  ChunkLint lint_;
  uint64_t left_ = 0;  ///< of a body of known length
  SectionBudget budget_;
  HeaderList trailers_;
  Fault fault_;
  bool bodyless_ = false;         ///< llhttp is to expect no body, whatever the head says
  const Slice* input_ = nullptr;  ///< during llhttp_execute()
  Slice piece_;                   ///< of the chunk being parsed
};

}  // namespace peerpulse::http::h1
