#include "chunk_lint.h"

#include <algorithm>

#include "../byte_scan.h"

namespace peerpulse::http::h1 {
namespace {

constexpr size_t kMaxChunkDigits = 16;
/// Extensions of all chunks of a message together, in units of the limit of one (4 KiB by default).
constexpr size_t kExtensionFactor = 16;

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void ChunkLint::restart() {
  part_ = Machine(ChunkPart::kSize);
  size_ = 0;
  digits_ = extension_ = allExtensions_ = 0;
  trailers_.restart();
  fault_.reset();
}

bool ChunkLint::fail(const char* detail) {
  fault_ = Fault{400, detail};
  return false;
}

ChunkLint::Taken ChunkLint::feed(std::string_view in) {
  size_t at = 0;
  while (at < in.size() && atExtension(in[at]) && in[at] != '\r' && step(in[at]))
    ++at;
  if (at > 0 || fault_) return {at, false};
  while (at < in.size() && !part_.is(ChunkPart::kTrailers)) {
    if (part_.is(ChunkPart::kData)) {
      const auto n = static_cast<size_t>(std::min<uint64_t>(size_, in.size() - at));
      size_ -= n;
      if (size_ == 0) part_.to(ChunkPart::kDataCr);
      return {at + n};
    }
    if (at > 0 && atExtension(in[at]) && in[at] != '\r') break;
    if (!step(in[at])) break;
    ++at;
  }
  return {at};
}

bool ChunkLint::step(char c) {
  switch (part_.now()) {
    case ChunkPart::kSize: return sizeByte(c);
    case ChunkPart::kExtension: return extensionByte(c);
    case ChunkPart::kSizeLf:
      return expect(c, '\n', size_ == 0 ? ChunkPart::kTrailers : ChunkPart::kData, "bare CR in a chunk line");
    case ChunkPart::kDataCr: return expect(c, '\r', ChunkPart::kDataLf, "chunk data without CRLF");
    case ChunkPart::kDataLf:
      if (!expect(c, '\n', ChunkPart::kSize, "chunk data without CRLF")) return false;
      size_ = digits_ = extension_ = 0;
      return true;
    case ChunkPart::kData:
    case ChunkPart::kTrailers: break;
  }
  return true;
}

bool ChunkLint::expect(char c, char wanted, ChunkPart next, const char* otherwise) {
  if (c != wanted) return fail(otherwise);
  part_.to(next);
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
  if (digits_ == 0 || (c != '\r' && c != ';')) return fail("malformed chunk size");
  part_.to(c == '\r' ? ChunkPart::kSizeLf : ChunkPart::kExtension);
  return true;
}

bool ChunkLint::extensionByte(char c) {
  if (c == '\r') {
    part_.to(ChunkPart::kSizeLf);
    return true;
  }
  if (isControl(c)) return fail("control character in a chunk extension");
  if (++extension_ > limits_.maxChunkExtension) return fail("chunk extension over the limit");
  if (++allExtensions_ > limits_.maxChunkExtension * kExtensionFactor) {
    return fail("chunk extensions over the limit");
  }
  return true;
}

}  // namespace peerpulse::http::h1
