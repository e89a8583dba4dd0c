// Goal: a descriptor has one owner, and is closed exactly when that goes.
#include "peerpulse/base/fd.h"

#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <doctest/doctest.h>

using namespace peerpulse;

namespace {
int openSomething() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool isOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
}  // namespace

TEST_CASE("fd: closed at the end of its scope, and by reset") {
  int number = -1;
  {
    const Fd fd(openSomething());
    number = fd.get();
    REQUIRE(fd.valid());
    CHECK(isOpen(number));
  }
  CHECK_FALSE(isOpen(number));
  Fd fd(openSomething());
  number = fd.get();
  fd.reset();
  CHECK_FALSE(fd.valid());
  CHECK_FALSE(isOpen(number));
  fd.reset();  // nothing left to close
}

TEST_CASE("fd: a move hands it over, and closes what was there") {
  Fd first(openSomething());
  const int number = first.get();
  Fd second(std::move(first));
  // What is left of a moved-from one is the question. NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-*)
  CHECK_FALSE(first.valid());
  CHECK(second.get() == number);
  Fd third(openSomething());
  const int replaced = third.get();
  third = std::move(second);
  CHECK_FALSE(isOpen(replaced));
  CHECK(third.get() == number);
  CHECK(isOpen(number));
}

TEST_CASE("fd: what is released is the caller's") {
  int number = -1;
  {
    Fd fd(openSomething());
    number = fd.release();
    CHECK_FALSE(fd.valid());
  }
  CHECK(isOpen(number));
  ::close(number);
}
