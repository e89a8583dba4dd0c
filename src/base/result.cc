#include "peerpulse/base/result.h"

#include <system_error>

namespace peerpulse {

Error systemError(const std::string& what, int errnoValue) {
  return Error{what + ": " + std::generic_category().message(errnoValue), errnoValue};
}

}  // namespace peerpulse
