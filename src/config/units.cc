#include "units.h"

#include <charconv>

namespace peerpulse::config {

namespace {

struct SizeUnit {
  std::string_view suffix;
  unsigned shift;
};
constexpr SizeUnit kSizeUnits[] = {{"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"", 0}};

}  // namespace

std::optional<uint64_t> parseSize(std::string_view text) {
  uint64_t amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc()) return std::nullopt;
  const std::string_view suffix = text.substr(static_cast<size_t>(end - text.data()));
  for (const SizeUnit& unit : kSizeUnits) {
    if (suffix != unit.suffix) continue;
    if (amount > (uint64_t{1} << 63) >> unit.shift) return std::nullopt;
    return amount << unit.shift;
  }
  return std::nullopt;
}

std::string formatSize(uint64_t bytes) {
  for (const SizeUnit& unit : kSizeUnits) {
    if (bytes != 0 && bytes % (uint64_t{1} << unit.shift) == 0) {
      return std::to_string(bytes >> unit.shift) + std::string(unit.suffix);
    }
  }
  return std::to_string(bytes);
}

}  // namespace peerpulse::config
