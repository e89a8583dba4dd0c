#include "peerpulse/base/fd.h"

#include <unistd.h>

namespace peerpulse {

void Fd::reset() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace peerpulse
