// BodyReader: the body of one incoming message, from raw bytes to slices. Lengths and chunks are parsed by
// llhttp; ChunkLint runs ahead of it and refuses what it lets through (faults B4, B5).
//
// Threading: one thread. Ownership: a value; the slices share the memory of the input.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <llhttp/llhttp.h>

#include "head_parser.h"
#include "header_lint.h"
#include "peerpulse/base/slice.h"

namespace peerpulse::http::h1 {

/// Checks chunk framing byte by byte and collects the trailer section.
class ChunkLint {
 public:
  explicit ChunkLint(const CodecLimits& limits) : limits_(limits), trailers_(HeadScanner::Kind::kTrailers, limits) {}
  void restart();
  /// The number of bytes of `in` that llhttp may see: up to a fault, or to the end of the last chunk's line.
  size_t feed(std::string_view in);
  /// After the last chunk: takes the trailer section from the front of `in`.
  HeadScanner::Status feedTrailers(std::string_view& in) { return trailers_.feed(in); }
  bool inTrailers() const { return state_ == State::kTrailers; }
  const std::optional<Fault>& fault() const { return fault_; }
  const HeadScanner& trailers() const { return trailers_; }

 private:
  enum class State : uint8_t { kSize, kExtension, kSizeLf, kData, kDataCr, kDataLf, kTrailers };
  bool step(char c);
  bool sizeByte(char c);
  bool extensionByte(char c);
  bool fail(const char* detail);

  const CodecLimits& limits_;
  State state_ = State::kSize;
  uint64_t size_ = 0;
  size_t digits_ = 0;
  size_t extension_ = 0;
  size_t allExtensions_ = 0;
  HeadScanner trailers_;
  std::optional<Fault> fault_;
};

class BodyReader {
 public:
  explicit BodyReader(const CodecLimits& limits);
  BodyReader(const BodyReader&) = delete;
  BodyReader& operator=(const BodyReader&) = delete;

  /// Starts the body after a linted head, which llhttp gets to see first. A fault if llhttp refuses it.
  std::optional<Fault> start(llhttp_type type, std::string_view head, const ParsedRequest& request);
  std::optional<Fault> start(llhttp_type type, std::string_view head, const ParsedResponse& response);

  /// Takes bytes from the front of `in` up to the end of the body, appending its pieces to `out`.
  void feed(Slice& in, std::vector<Slice>& out);
  bool done() const { return done_; }
  BodyKind kind() const { return kind_; }
  const std::optional<Fault>& fault() const { return fault_; }
  HeaderList takeTrailers() { return std::move(trailers_); }
  /// The other side ended the bytes; true if that ends the body in order.
  bool endOfFile();
  /// From now on raw bytes in that direction.
  void becomeTunnel() {
    kind_ = BodyKind::kTunnel;
    done_ = false;
  }

 private:
  std::optional<Fault> begin(llhttp_type type, std::string_view head, const Framing& framing, SectionBudget budget);
  void feedChunked(Slice& in, std::vector<Slice>& out);
  bool execute(const char* at, size_t size);
  static int onBody(llhttp_t* parser, const char* at, size_t size);

  const CodecLimits& limits_;
  llhttp_settings_t settings_;
  llhttp_t parser_;
  ChunkLint lint_;
  BodyKind kind_ = BodyKind::kNone;
  SectionBudget budget_;
  HeaderList trailers_;
  bool bodyless_ = false;
  bool done_ = true;
  std::optional<Fault> fault_;
  const Slice* input_ = nullptr;  ///< during llhttp_execute()
  std::vector<Slice>* output_ = nullptr;
};

/// Whether llhttp knows the method; its list is fixed, others are answered 501.
bool isKnownMethod(std::string_view method);

}  // namespace peerpulse::http::h1
