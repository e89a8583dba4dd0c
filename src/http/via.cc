#include "peerpulse/http/via.h"

#include <cstdio>

namespace peerpulse::http {

std::string viaPseudonym(uint64_t random) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(random));
  return std::string("peerpulse-") + digits;
}

bool hasBeenHere(const HeaderList& headers, std::string_view pseudonym) {
  if (pseudonym.empty()) return false;
  for (size_t i = 0; i < headers.count(); ++i) {
    const HeaderField field = headers.at(i);
    // Nobody else has it, so it need not be parsed.
    if (http::equalsIgnoreCase(field.name, "via") && field.value.find(pseudonym) != std::string_view::npos)
      return true;
  }
  return false;
}

void addVia(RequestHead& head, std::string_view pseudonym) {
  if (pseudonym.empty()) return;
  std::string value = toString(head.version);
  value += ' ';
  value += pseudonym;
  head.headers.add("via", value);
}

}  // namespace peerpulse::http
