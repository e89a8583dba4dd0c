#include "chunk_path.h"

#include <climits>

#include "peerpulse/base/assert.h"

namespace peerpulse::storage_node {

namespace {

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool isControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

Result<std::string> decodeSegment(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hexValue(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hexValue(text[i + 2]) : -1;
      if (high < 0 || low < 0) return Error{"'%' is not followed by two hex digits"};
      c = static_cast<char>(high * 16 + low);
      i += 2;
      // Decoded it would name another chunk than it did encoded.
      if (c == '/') return Error{"an encoded slash is not allowed"};
    }
    if (isControl(c)) return Error{"control characters are not allowed"};
    decoded.push_back(c);
  }
  if (decoded.empty()) return Error{"an empty path segment is not allowed"};
  if (decoded == "." || decoded == "..") return Error{"'.' and '..' are not allowed"};
  if (decoded.size() > NAME_MAX) return Error{"a path segment is longer than 255 bytes"};
  return decoded;
}

Result<bool> parseQuery(std::string_view query) {
  if (query == "overwrite=1") return true;
  if (query.empty() || query == "overwrite=0") return false;
  return Error{"the only query known is overwrite=0 or overwrite=1"};
}

}  // namespace

Result<ChunkPath> ChunkPath::parse(std::string_view target) {
  PP_ASSERT(target.starts_with(kPrefix));
  ChunkPath result;
  if (const size_t question = target.find('?'); question != std::string_view::npos) {
    const auto overwrite = parseQuery(target.substr(question + 1));
    if (!overwrite) return overwrite.error();
    result.overwrite = *overwrite;
    target = target.substr(0, question);
  }
  std::string_view rest = target.substr(kPrefix.size());
  bool isDisk = true;
  while (true) {
    const size_t slash = rest.find('/');
    auto segment = decodeSegment(rest.substr(0, slash));
    if (!segment) return segment.error();
    if (isDisk) {
      result.disk = std::move(*segment);
      isDisk = false;
    } else {
      if (!result.path.empty()) result.path.push_back('/');
      result.path += *segment;
    }
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (result.path.empty()) return Error{"the chunk's path is missing: /chunks/<disk>/<path>"};
  if (result.path.size() > kMaxPathLength) return Error{"the path is longer than 1024 bytes"};
  return result;
}

}  // namespace peerpulse::storage_node
