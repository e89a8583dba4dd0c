// NoRoom: while it lives, a file that grows beyond some bytes meets EFBIG, as on a full disk (RLIMIT_FSIZE, setrlimit(2)).
#pragma once

#include <csignal>
#include <sys/resource.h>

#include <doctest/doctest.h>

namespace peerpulse::recipe::test {

class NoRoom {
 public:
  explicit NoRoom(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit small = before_;
    small.rlim_cur = bytes;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  }
  ~NoRoom() {
    CHECK(::setrlimit(RLIMIT_FSIZE, &before_) == 0);
    (void)std::signal(SIGXFSZ, handler_);
  }
  NoRoom(const NoRoom&) = delete;
  NoRoom& operator=(const NoRoom&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace peerpulse::recipe::test
