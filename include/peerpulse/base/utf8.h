// UTF-8 that is well-formed (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF.
//
// Threading: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace peerpulse {

/// U+FFFD, which stands for what is not shown as it came.
inline constexpr std::string_view kUtf8Replacement = "\xEF\xBF\xBD";

/// Length of the well-formed sequence at the start of `text`, which is not empty; or 0.
size_t utf8Length(std::string_view text);
/// What a sequence of which utf8Length() says that it is well-formed stands for; only its bytes are in `sequence`.
uint32_t utf8CodePoint(std::string_view sequence);

}  // namespace peerpulse
