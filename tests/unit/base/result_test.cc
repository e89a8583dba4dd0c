#include "peerpulse/base/result.h"

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "../../support/aborts.h"

using namespace peerpulse;
using peerpulse::test::aborts;

TEST_CASE("result: a value or an error, never both") {
  const Result<std::string> good = std::string("text");
  CHECK(good);
  CHECK(*good == "text");
  CHECK(good->size() == 4);
  const Result<std::string> bad = Error{"why", EIO};
  CHECK_FALSE(bad);
  CHECK(bad.error().message == "why");
  CHECK(bad.error().code == EIO);
  CHECK(aborts([&] { (void)bad.value(); }));
  CHECK(aborts([&] { (void)good.error(); }));
}

TEST_CASE("result: a value can be moved out") {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = std::move(*result);
  CHECK(*taken == 7);
}

TEST_CASE("result: without a value, it is good unless it has an error") {
  const Result<void> good;
  CHECK(good);
  CHECK(aborts([&] { (void)good.error(); }));
  const Result<void> bad = Error{"why"};
  CHECK_FALSE(bad);
  CHECK(bad.error().code == 0);
}

TEST_CASE("result: an error of the system has its words and its number") {
  const Error error = systemError("open /x", ENOENT);
  CHECK(error.message == "open /x: No such file or directory");
  CHECK(error.code == ENOENT);
}
