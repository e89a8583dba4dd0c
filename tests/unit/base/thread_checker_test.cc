// Goal: a thread that must not use something is told so; the owner, and whoever comes before there is one, is not.
// Both variants are tested in every build; which one ThreadOwner is depends on the build.
#include "peerpulse/base/thread_checker.h"

#include <thread>
#include <type_traits>

#include <doctest/doctest.h>

#include "../../support/aborts.h"

using namespace peerpulse;
using peerpulse::test::aborts;

namespace {
template <typename F>
void onAnotherThread(F f) {
  std::thread(f).join();
}
}  // namespace

TEST_CASE("thread_checker: the first user is the owner") {
  CheckedThreadOwner mine;
  mine.check();
  mine.check();
  CheckedThreadOwner others;
  onAnotherThread([&] { others.check(); });
  CHECK_FALSE(aborts([&] { mine.check(); }));
  CHECK(aborts([&] { others.check(); }));
  CHECK(aborts([&] { others.checkIfBound(); }));
}

TEST_CASE("thread_checker: while nobody owns it, checkIfBound lets every thread pass and makes none the owner") {
  CheckedThreadOwner owner;
  owner.checkIfBound();
  onAnotherThread([&] { owner.checkIfBound(); });
  onAnotherThread([&] { owner.check(); });
  CHECK(aborts([&] { owner.checkIfBound(); }));
}

TEST_CASE("thread_checker: bind takes over, release frees, and only the owner may release") {
  CheckedThreadOwner owner;
  owner.check();
  onAnotherThread([&] { owner.bind(); });
  CHECK(aborts([&] { owner.check(); }));
  CHECK(aborts([&] { owner.release(); }));
  owner.bind();
  owner.release();
  onAnotherThread([&] { owner.check(); });
  CHECK(aborts([&] { owner.check(); }));
}

TEST_CASE("thread_checker: where threads are not checked, nothing happens and nothing is kept") {
  UncheckedThreadOwner owner;
  onAnotherThread([&] { owner.bind(); });
  CHECK_FALSE(aborts([&] {
    owner.check();
    owner.checkIfBound();
    owner.release();
  }));
  CHECK(std::is_empty_v<UncheckedThreadOwner>);
}

TEST_CASE("thread_checker: sanitized builds check") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  CHECK(std::is_same_v<ThreadOwner, CheckedThreadOwner>);
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  CHECK(std::is_same_v<ThreadOwner, CheckedThreadOwner>);
#endif
#endif
}
