#include "peerpulse/guard/options.h"

namespace peerpulse::guard {

const char* toString(Mode mode) {
  switch (mode) {
    case Mode::kProxy: return "proxy";
    case Mode::kProxyAndGuard: return "proxy+guard";
    case Mode::kGuard: return "guard";
  }
  return "?";
}

}  // namespace peerpulse::guard
