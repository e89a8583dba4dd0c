// Goal: a link is used while it answers, left only while the peer's own address answers in its stead, and come back to.
#include "peerpulse/health/link_choice.h"

#include <cerrno>
#include <string>

#include <doctest/doctest.h>

#include "peerpulse/base/tls_failure.h"

namespace peerpulse::health {
namespace {

using Ask = LinkChoice::Ask;

constexpr Duration kRetry = seconds(10);

struct World {
  explicit World(bool mayFallBack = true) : choice(mayFallBack, kRetry) {}

  /// What is asked for at the next deadline, which must not be later than `within`.
  Ask next(Duration within) {
    REQUIRE(choice.nextDeadline() <= now + within);
    now = std::max(now, choice.nextDeadline());
    return choice.tick(now);
  }
  void fail(int times, int why = ECONNREFUSED) {
    for (int i = 0; i < times; ++i)
      choice.failed(why, now);
  }
  /// Its own address is asked, and answers or does not.
  void direct(bool answers) {
    REQUIRE(next(LinkChoice::kCheckInterval) == Ask::kDirect);
    choice.onDirect(answers, now);
  }
  void fallBack() {
    fail(3);
    for (int i = 0; i < 3; ++i)
      direct(true);
    REQUIRE(choice.state() == LinkState::kFallback);
  }

  LinkChoice choice;
  TimePoint now = TimePoint() + seconds(100);
};

TEST_CASE("link_choice: at first it is down and nobody knows why; nothing is asked") {
  World w;
  CHECK(w.choice.state() == LinkState::kDown);
  CHECK(w.choice.why() == 0);
  CHECK(w.choice.nextDeadline() == TimePoint::max());
  CHECK(w.choice.tick(w.now) == Ask::kNothing);
  w.choice.onDirect(true, w.now);  // nobody had asked
  CHECK(w.choice.state() == LinkState::kDown);
  w.choice.answered();
  CHECK(w.choice.state() == LinkState::kUp);
}

TEST_CASE("link_choice: three failures in a row, while the own address answers as often, are a fallback") {
  World w;
  w.choice.answered();
  w.fail(1);
  CHECK(w.choice.state() == LinkState::kDown);
  CHECK(w.choice.why() == ECONNREFUSED);
  w.direct(true);
  w.direct(true);
  w.direct(true);
  CHECK(w.choice.state() == LinkState::kDown);  // the link has failed once
  w.fail(2, codeOf(TlsFailure::kIdentity));
  CHECK(w.choice.state() == LinkState::kDown);
  w.direct(true);
  CHECK(w.choice.state() == LinkState::kFallback);
  CHECK(w.choice.why() == codeOf(TlsFailure::kIdentity));
}

TEST_CASE("link_choice: an answer between them begins the count anew") {
  World w;
  w.fail(2);
  w.direct(true);
  w.direct(true);
  w.choice.answered();
  w.fail(2);
  for (int i = 0; i < 4; ++i)
    w.direct(true);
  CHECK(w.choice.state() == LinkState::kDown);
  w.fail(1);
  w.direct(true);
  CHECK(w.choice.state() == LinkState::kFallback);
}

TEST_CASE("link_choice: a host or a store that is gone is no reason, however often the link fails") {
  World w;
  w.choice.answered();
  for (int i = 0; i < 50; ++i) {
    w.fail(1);
    w.direct(i % 3 == 2 ? false : true);  // an own address that answers now and then
  }
  CHECK(w.choice.state() == LinkState::kDown);
  w.choice.silent(w.now);
  CHECK(w.choice.why() == ETIMEDOUT);
  for (int i = 0; i < 10; ++i)
    w.direct(false);
  CHECK(w.choice.state() == LinkState::kDown);
  w.choice.answered();
  CHECK(w.choice.state() == LinkState::kUp);
  CHECK(w.choice.why() == 0);
}

TEST_CASE("link_choice: a link that is silent while the own address answers has failed often enough") {
  World w;
  w.choice.answered();
  w.choice.silent(w.now);
  for (int i = 0; i < 3; ++i)
    w.direct(true);
  CHECK(w.choice.state() == LinkState::kFallback);
}

TEST_CASE("link_choice: required, it is never left, and its own address never asked") {
  World w(false);
  w.choice.answered();
  w.fail(20);
  w.choice.silent(w.now);
  CHECK(w.choice.state() == LinkState::kDown);
  CHECK(w.next(kRetry) == Ask::kLink);
  w.choice.onDirect(true, w.now);
  w.choice.onDirect(true, w.now);
  w.choice.onDirect(true, w.now);
  CHECK(w.choice.state() == LinkState::kDown);
}

TEST_CASE("link_choice: a lost link is tried again every so often, one try at a time, and taken back") {
  World w;
  w.fallBack();
  const TimePoint lost = w.now;
  for (int i = 1; i <= 3; ++i) {
    CHECK(w.next(kRetry) == Ask::kLink);
    CHECK(w.choice.nextDeadline() == TimePoint::max());  // until it is answered
    CHECK(w.choice.tick(w.now + seconds(60)) == Ask::kNothing);
    w.choice.failed(ETIMEDOUT, w.now);
    CHECK(w.choice.state() == LinkState::kFallback);
  }
  CHECK(w.now - lost >= 2 * kRetry);
  CHECK(w.next(kRetry) == Ask::kLink);
  w.choice.answered();
  CHECK(w.choice.state() == LinkState::kUp);
  CHECK(w.choice.nextDeadline() == TimePoint::max());
}

TEST_CASE("link_choice: the own address is asked one connect at a time") {
  World w;
  w.fail(1);
  CHECK(w.next(Duration::zero()) == Ask::kDirect);
  CHECK(w.choice.tick(w.now + seconds(5)) == Ask::kNothing);
  w.choice.onDirect(false, w.now);
  CHECK(w.choice.nextDeadline() == w.now + LinkChoice::kCheckInterval);
}

TEST_CASE("link_choice: states and troubles have their words") {
  CHECK(std::string(toString(LinkState::kUp)) == "up");
  CHECK(std::string(toString(LinkState::kDown)) == "down");
  CHECK(std::string(toString(LinkState::kFallback)) == "fallback");
  CHECK(std::string(linkTrouble(0)) == "none");
  CHECK(std::string(linkTrouble(ECONNREFUSED)) == "refused");
  CHECK(std::string(linkTrouble(ETIMEDOUT)) == "silence");
  CHECK(std::string(linkTrouble(ECONNRESET)) == "closed");
  CHECK(std::string(linkTrouble(EHOSTUNREACH)) == "unreachable");
  CHECK(std::string(linkTrouble(EPROTO)) == "no_http2");
  CHECK(std::string(linkTrouble(EMFILE)) == "error");
  for (int i = 0; i < kTlsFailures; ++i)
    CHECK(std::string(linkTrouble(kFirstTlsFailure + i)) != "error");
  CHECK(std::string(linkTrouble(codeOf(TlsFailure::kIdentity))) == "tls_identity");
}

}  // namespace
}  // namespace peerpulse::health
