#include "message_writer.h"

#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace peerpulse::http::h1 {

bool MessageWriter::data(OutputQueue& out, Slice slice) {
  switch (framing_.kind) {
    case SendKind::kNone: return true;
    case SendKind::kLength:
      if (slice.size() > framing_.length) return false;
      framing_.length -= slice.size();
      out.body(std::move(slice));
      return true;
    case SendKind::kChunked: {
      if (slice.empty()) return true;
      std::array<char, 18> line{};
      char* end = std::to_chars(line.data(), line.data() + 16, slice.size(), 16).ptr;
      *end++ = '\r';
      *end++ = '\n';
      out.text({line.data(), static_cast<size_t>(end - line.data())});
      out.body(std::move(slice));
      out.text("\r\n");
      return true;
    }
    case SendKind::kUntilClose:
    case SendKind::kTunnel: out.body(std::move(slice)); return true;
  }
  return true;
}

bool MessageWriter::end(OutputQueue& out, const HeaderList& trailers) {
  if (framing_.kind == SendKind::kLength) return framing_.length == 0;
  if (framing_.kind == SendKind::kChunked) writeLastChunk(out, trailers);
  return true;
}

}  // namespace peerpulse::http::h1
