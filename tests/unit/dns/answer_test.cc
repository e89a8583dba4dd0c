// Goal: every status has a word and an explanation of its own.
#include "peerpulse/dns/answer.h"

#include <set>
#include <string>

#include <doctest/doctest.h>

using namespace peerpulse::dns;

TEST_CASE("answer: words and explanations") {
  std::set<std::string> words, explanations;
  for (size_t i = 0; i < kStatuses; ++i) {
    words.insert(toString(static_cast<Status>(i)));
    explanations.insert(explain(static_cast<Status>(i)));
  }
  CHECK(words.size() == kStatuses);
  CHECK(explanations.size() == kStatuses);
  CHECK(words.count("?") == 0);
  CHECK(explanations.count("?") == 0);
  CHECK(isDefinite(Status::kNoSuchName));
  CHECK_FALSE(isDefinite(Status::kLoop));
}
