// ChunkLint: checks chunk framing byte by byte ahead of llhttp, which takes more than RFC 9112 7.1 allows
// (faults B4, B5), and collects the trailer section.
//
//             .-----------------------------------------------.
//             v                                               |
//           kSize --------------> kSizeLf --> kData --> kDataCr --> (kDataLf)
//             |                   ^     |
//             '---> kExtension ---'     '--> kTrailers
//
// Threading: a value; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "../machine.h"
#include "fault.h"
#include "head_scanner.h"

namespace peerpulse::http::h1 {

enum class ChunkPart : uint8_t { kSize, kExtension, kSizeLf, kData, kDataCr, kDataLf, kTrailers };

constexpr bool mayFollow(ChunkPart from, ChunkPart to) {
  switch (from) {
    case ChunkPart::kSize: return oneOf(to, ChunkPart::kExtension, ChunkPart::kSizeLf);
    case ChunkPart::kExtension: return to == ChunkPart::kSizeLf;
    case ChunkPart::kSizeLf: return oneOf(to, ChunkPart::kData, ChunkPart::kTrailers);
    case ChunkPart::kData: return to == ChunkPart::kDataCr;
    case ChunkPart::kDataCr: return to == ChunkPart::kDataLf;
    case ChunkPart::kDataLf: return to == ChunkPart::kSize;
    case ChunkPart::kTrailers: return false;
  }
  return false;
}

class ChunkLint {
 public:
  explicit ChunkLint(const CodecLimits& limits) : limits_(limits), trailers_(HeadScanner::Kind::kTrailers, limits) {}
  /// Begins the next message.
  void restart();
  /// What the front of `in` is: so many bytes, up to a fault, an extension or its end, the end of a chunk's data, or of the last
  /// chunk's line.
  struct Taken {
    size_t size = 0;
    /// llhttp is to see them: not so an extension, of which 8.1.0 refuses some that RFC 9112 7.1.1 allows, and which goes nowhere.
    bool shown = true;
  };
  Taken feed(std::string_view in);
  /// After the last chunk: takes the trailer section from the front of `in`.
  HeadScanner::Status feedTrailers(std::string_view& in) { return trailers_.feed(in); }
  /// Of the chunk whose data is being read.
  uint64_t dataLeft() const { return part_.is(ChunkPart::kData) ? size_ : 0; }
  bool inTrailers() const { return part_.is(ChunkPart::kTrailers); }
  const std::optional<Fault>& fault() const { return fault_; }
  const HeadScanner& trailers() const { return trailers_; }

 private:
  bool atExtension(char c) const {
    return part_.is(ChunkPart::kExtension) || (part_.is(ChunkPart::kSize) && c == ';');
  }
  bool step(char c);
  bool sizeByte(char c);
  bool extensionByte(char c);
  bool expect(char c, char wanted, ChunkPart next, const char* otherwise);
  bool fail(const char* detail);

  const CodecLimits& limits_;
  Machine<ChunkPart> part_{ChunkPart::kSize};
  uint64_t size_ = 0;  ///< of the chunk; counts down its data
  size_t digits_ = 0;
  size_t extension_ = 0;
  size_t allExtensions_ = 0;
  HeadScanner trailers_;
  std::optional<Fault> fault_;
};

}  // namespace peerpulse::http::h1
