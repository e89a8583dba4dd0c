#include "peerpulse/http/max_forwards.h"

#include <string>

#include "field_rules.h"

namespace peerpulse::http {

bool takeForward(RequestHead& head) {
  if (head.method != "OPTIONS" && head.method != "TRACE") return true;
  constexpr std::string_view kName = "max-forwards";
  const auto left = parseDigits(head.headers.find(kName));
  if (!left) return true;
  if (*left == 0) return false;
  head.headers.set(kName, std::to_string(*left - 1));
  return true;
}

}  // namespace peerpulse::http
