#include "reply.h"

#include <charconv>
#include <cstring>

namespace peerpulse::bench {

namespace {
constexpr std::string_view kPrefix = "/bytes/";
}

ReplyMaker::ReplyMaker() {
  Block* block = Block::create(kMaxBody);
  std::memset(block->data(), 'x', kMaxBody);
  bytes_ = Slice(BlockRef::adopt(block), block->data(), kMaxBody);
}

Reply ReplyMaker::answer(std::string_view method, std::string_view path, size_t received) const {
  if (!path.starts_with(kPrefix)) return {404, {}};
  path.remove_prefix(kPrefix.size());
  size_t size = 0;
  const auto parsed = std::from_chars(path.data(), path.data() + path.size(), size);
  if (parsed.ec != std::errc() || parsed.ptr != path.data() + path.size() || size > kMaxBody) return {404, {}};
  if (method == "GET") return {200, bytes_.sub(0, size)};
  if (method == "PUT") return {received == size ? 200 : 400, {}};
  return {405, {}};
}

}  // namespace peerpulse::bench
