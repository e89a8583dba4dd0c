// Goal: what we answer in a peer's stead says whose fault it is, in the forms of RFC 9209, RFC 9457 and gRPC.
#include "local_reply.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::proxy;

using upstream::ErrorType;

namespace {

upstream::Failure failure(ErrorType type, std::string detail, int status = 0) {
  upstream::Failure f;
  f.type = type;
  f.detail = std::move(detail);
  f.status = status;
  return f;
}

LocalReplyContext deadPeer() {
  health::CircuitWord word;
  word.verdict = health::Verdict::kDead;
  word.circuit = health::CircuitState::kOpen;
  word.reason = health::Reason::kProbeSilence;
  return {"node3", word, WallTime(microseconds(1'795'344'575'123'456))};
}
}  // namespace

TEST_CASE("local reply: HTTP") {
  const LocalReply reply =
      makeLocalReply(failure(ErrorType::kDestinationUnavailable, "circuit open \"x\""), deadPeer(), false);
  CHECK(reply.head.status == 503);
  CHECK(reply.head.headers.find("retry-after") == "1");
  CHECK(reply.head.headers.find("content-type") == "application/problem+json");
  CHECK(reply.head.headers.find("content-length") == std::to_string(reply.body.size()));
  CHECK(reply.head.headers.find("proxy-status") ==
        "peerpulse; error=destination_unavailable; next-hop=\"node3\"; details=\"circuit open \\\"x\\\"\"");
  CHECK(reply.body ==
        "{\"type\":\"about:blank\",\"title\":\"destination_unavailable\",\"status\":503,"
        "\"detail\":\"circuit open \\\"x\\\"\",\"peer\":\"node3\",\"verdict\":\"dead\",\"circuit\":\"open\","
        "\"reason\":\"probe_silence\",\"since\":\"2026-11-22T10:49:35.123456Z\"}\n");
}

TEST_CASE("local reply: gRPC is trailers-only with status 14, 4 for a deadline") {
  const LocalReply dead =
      makeLocalReply(failure(ErrorType::kDestinationUnavailable, "100% gone\n"), deadPeer(), true);
  CHECK(dead.head.status == 200);
  CHECK(dead.body.empty());
  CHECK(dead.head.headers.find("grpc-status") == "14");
  CHECK(dead.head.headers.find("grpc-message") == "100%25 gone%0A");
  const LocalReply late = makeLocalReply(failure(ErrorType::kHttpResponseTimeout, "late"), deadPeer(), true);
  CHECK(late.head.headers.find("grpc-status") == "4");
}

TEST_CASE("local reply: statuses of RFC 9209, and a request error keeps its own") {
  struct Row {
    ErrorType error;
    int status;
  };
  for (const Row row : {Row{ErrorType::kConnectionRefused, 502}, Row{ErrorType::kConnectionTimeout, 504},
                        Row{ErrorType::kConnectionTerminated, 502}, Row{ErrorType::kHttpResponseTimeout, 504},
                        Row{ErrorType::kConnectionLimitReached, 503}, Row{ErrorType::kHttpProtocolError, 502}}) {
    CHECK(makeLocalReply(failure(row.error, "x"), deadPeer(), false).head.status == row.status);
  }
  CHECK(makeLocalReply(failure(ErrorType::kHttpRequestError, "x", 431), deadPeer(), false).head.status == 431);
}

TEST_CASE("local reply: since counts back on the wall clock, also across the stamp's wrap") {
  const WallTime wall(seconds(1'700'000'000));
  health::CircuitWord word;
  word.sinceMillis = 4'294'967'000U;  // 296 ms before the 32-bit stamp wraps
  const TimePoint now{milliseconds(4'294'967'296LL + 704)};
  CHECK(sinceOf(word, now, wall) == wall - seconds(1));
}
