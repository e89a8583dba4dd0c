// Goal: what an exchange leaves behind, in the statistics and in the log, says what happened and whose doing it was.
#include "access_log.h"

#include <algorithm>

#include "log_capture.h"

using namespace peerpulse;
using namespace peerpulse::proxy;
using namespace peerpulse::proxy::test;
using stats::UploadFailure;
using upstream::ErrorType;
using upstream::Party;

namespace {

constexpr PeerId kPeer{0};
const WallTime kWall(seconds(1'800'000'000));
constexpr Party kParties[] = {Party::kPeer, Party::kClient, Party::kHost, Party::kSelf};

size_t placeOf(Party party) {
  const auto& names = stats::kPartyNames;
  return static_cast<size_t>(std::find(names.begin(), names.end(), std::string_view(toString(party))) -
                             names.begin());
}

upstream::Failure failure(ErrorType type, Party party) {
  upstream::Failure f;
  f.type = type;
  f.party = party;
  f.detail = "why";
  return f;
}

struct Counted {
  explicit Counted(const AccessRecord& record) {
    countStarted(stats, kPeer, record);
    CHECK(peer().inFlight.get() == 1);
    CHECK(stats.uploads.inProgress.get() == (record.isUpload ? 1 : 0));
    countFinished(stats, kPeer, 1, record, kWall);
    CHECK(peer().inFlight.get() == 0);
    CHECK(stats.uploads.inProgress.get() == 0);
    const bool refused = record.fastFailed || record.error == ErrorType::kConnectionLimitReached;
    CHECK(stats.operation(kPeer, 1).duration.snapshot().count() == (refused ? 0 : 1));
    CHECK(stats.operation(kPeer, 0).duration.snapshot().count() == 0);
  }
  const stats::PeerStats& peer() const { return stats.peer(kPeer); }
  uint64_t failed(UploadFailure reason) const { return stats.uploads.failures[static_cast<size_t>(reason)].get(); }

  stats::Stats stats{{"node2"}, {"other", "upload"}, {}};
};

AccessRecord upload(int status) {
  AccessRecord record;
  record.isUpload = true;
  record.status = status;
  record.requestBytes = 1000;
  record.responseBytes = 10;
  record.took = milliseconds(20);
  return record;
}

std::string lineOf(const AccessRecord& record, const http::RequestHead& head, bool showQuery = false,
                   uint32_t sample = 0) {
  LogCapture log;
  logExchange("node2", Route{"upload", "", "", "", upstream::TrafficClass::kBulk}, head, record, showQuery, sample);
  const auto lines = log.lines();
  REQUIRE(lines.size() == 1);
  return lines[0];
}

http::RequestHead put(std::string path) {
  http::RequestHead head;
  head.method = "PUT";
  head.path = std::move(path);
  head.version = http::Version::kHttp2;
  return head;
}

}  // namespace

// --- the record ------------------------------------------------------------------------------------------------

TEST_CASE("access log: a record notes all that a failure says") {
  AccessRecord record;
  CHECK_FALSE(record.failed());
  upstream::Failure refused = failure(ErrorType::kDestinationUnavailable, Party::kSelf);
  refused.byCircuit = true;
  record.note(refused);
  CHECK(record.failed());
  CHECK(record.error == ErrorType::kDestinationUnavailable);
  CHECK(record.party == Party::kSelf);
  CHECK(record.detail == "why");
  CHECK(record.fastFailed);
  CHECK_FALSE(record.timedOut);
  upstream::Failure late = failure(ErrorType::kHttpResponseTimeout, Party::kPeer);
  late.timedOut = true;
  record.note(late);  // the last word counts, whole
  CHECK(record.timedOut);
  CHECK_FALSE(record.fastFailed);
}

// --- statistics ------------------------------------------------------------------------------------------------

TEST_CASE("access log: bytes, requests and durations are counted") {
  const Counted counted(upload(200));
  CHECK(counted.peer().requestsTotal.get() == 1);
  CHECK(counted.peer().bytesToPeer.get() == 1000);
  CHECK(counted.peer().bytesFromPeer.get() == 10);
  CHECK(counted.peer().failuresTotal.get() == 0);
  CHECK(counted.stats.uploads.success.get() == 1);
}

TEST_CASE("access log: only what the peer did is a failure of the peer") {
  for (const Party party : kParties) {
    CAPTURE(toString(party));
    AccessRecord record = upload(502);
    record.note(failure(ErrorType::kConnectionTerminated, party));
    const Counted counted(record);
    CHECK(counted.peer().failuresTotal.get() == (party == Party::kPeer ? 1 : 0));
    CHECK(counted.peer().fastFailuresTotal.get() == 0);
    for (const Party other : kParties)
      CHECK(counted.peer().failuresBy[placeOf(other)].get() == (other == party ? 1 : 0));
  }
}

TEST_CASE("access log: what a limit of ours refused took no time of the peer's") {
  AccessRecord record = upload(503);
  record.note(failure(ErrorType::kConnectionLimitReached, Party::kSelf));
  record.ownAnswer = true;
  const Counted counted(record);
  CHECK(counted.peer().ownResponses.get() == 1);
  CHECK(counted.peer().responses[4].get() == 0);
  CHECK(counted.peer().failuresTotal.get() == 0);
}

TEST_CASE("access log: answers of the peer by class of their status") {
  const Counted counted(upload(204));
  CHECK(counted.peer().responses[1].get() == 1);
  CHECK(counted.peer().ownResponses.get() == 0);
}

TEST_CASE("access log: every party has a place in the statistics, the peer the first") {
  CHECK(placeOf(Party::kPeer) == 0);
  for (const Party party : kParties)
    CHECK(placeOf(party) < stats::kPartyNames.size());
}

TEST_CASE("access log: a client that went away is the client's doing, in the sums as well") {
  AccessRecord record = upload(0);
  record.clientAborted = true;
  const Counted counted(record);
  CHECK(counted.peer().failuresBy[placeOf(Party::kClient)].get() == 1);
  CHECK(counted.peer().failuresTotal.get() == 0);
}

TEST_CASE("access log: what we or this host cut off is no reset by the peer") {
  for (const Party party : {Party::kHost, Party::kSelf}) {
    for (const ErrorType error : {ErrorType::kConnectionTerminated, ErrorType::kConnectionLimitReached}) {
      AccessRecord record = upload(0);
      record.note(failure(error, party));
      CHECK(Counted(record).failed(UploadFailure::kLocalLimit) == 1);
    }
  }
}

TEST_CASE("access log: what the circuit refused is counted apart") {
  AccessRecord record = upload(503);
  upstream::Failure refusal = failure(ErrorType::kDestinationUnavailable, Party::kSelf);
  refusal.byCircuit = true;
  record.note(refusal);
  const Counted counted(record);
  CHECK(counted.peer().fastFailuresTotal.get() == 1);
  CHECK(counted.peer().failuresTotal.get() == 0);
  CHECK(counted.failed(UploadFailure::kCircuitOpen) == 1);
}

TEST_CASE("access log: timeouts are counted for the peer and its operation") {
  AccessRecord record = upload(504);
  upstream::Failure late = failure(ErrorType::kHttpResponseTimeout, Party::kPeer);
  late.timedOut = true;
  record.note(late);
  const Counted counted(record);
  CHECK(counted.peer().timeoutsBy[0].get() == 1);
  CHECK(counted.stats.operation(kPeer, 1).timeouts.get() == 1);
  CHECK(counted.stats.operation(kPeer, 0).timeouts.get() == 0);
  CHECK(counted.failed(UploadFailure::kPeerTimeout) == 1);
}

TEST_CASE("access log: a deadline that the client had set, or that we held up, is no timeout of the peer") {
  for (const Party party : {Party::kClient, Party::kHost, Party::kSelf}) {
    CAPTURE(toString(party));
    AccessRecord record = upload(504);
    upstream::Failure late = failure(ErrorType::kHttpResponseTimeout, party);
    late.timedOut = true;
    record.note(late);
    const Counted counted(record);
    CHECK(counted.peer().timeoutsBy[0].get() == 0);
    CHECK(counted.peer().timeoutsBy[placeOf(party)].get() == 1);
    CHECK(counted.stats.operation(kPeer, 1).timeouts.get() == 0);
    CHECK(counted.failed(UploadFailure::kPeerTimeout) == 0);
  }
}

TEST_CASE("access log: an upload succeeds by 2xx and 3xx, and fails by anything else, for one reason") {
  const struct {
    int status;
    ErrorType error;
    bool aborted;
    std::optional<UploadFailure> reason;
  } rows[] = {
      {200, ErrorType::kNone, false, std::nullopt},
      {204, ErrorType::kNone, false, std::nullopt},
      {304, ErrorType::kNone, false, std::nullopt},
      {400, ErrorType::kNone, false, UploadFailure::kPeerError},
      {503, ErrorType::kNone, false, UploadFailure::kPeerError},
      {0, ErrorType::kNone, true, UploadFailure::kClientAborted},
      {200, ErrorType::kNone, true, UploadFailure::kClientAborted},
      {502, ErrorType::kConnectionRefused, false, UploadFailure::kConnectFailed},
      {502, ErrorType::kDestinationUnroutable, false, UploadFailure::kConnectFailed},
      {504, ErrorType::kConnectionTimeout, false, UploadFailure::kConnectFailed},
      {502, ErrorType::kConnectionTerminated, false, UploadFailure::kPeerReset},
      {200, ErrorType::kHttpResponseIncomplete, false, UploadFailure::kPeerReset},
      {503, ErrorType::kConnectionLimitReached, false, UploadFailure::kLocalLimit},
      {400, ErrorType::kHttpRequestError, false, UploadFailure::kOther},
      {502, ErrorType::kHttpProtocolError, false, UploadFailure::kOther},
  };
  for (const auto& row : rows) {
    CAPTURE(row.status);
    CAPTURE(upstream::info(row.error).name);
    AccessRecord record = upload(row.status);
    if (row.error != ErrorType::kNone) record.note(failure(row.error, Party::kPeer));
    record.clientAborted = row.aborted;
    const Counted counted(record);
    CHECK(counted.stats.uploads.success.get() == (row.reason ? 0 : 1));
    uint64_t failures = 0;
    for (const auto& each : counted.stats.uploads.failures)
      failures += each.get();
    CHECK(failures == (row.reason ? 1 : 0));
    if (row.reason) CHECK(counted.failed(*row.reason) == 1);
  }
}

TEST_CASE("access log: what is no upload is in no upload's statistics") {
  AccessRecord record = upload(500);
  record.isUpload = false;
  const Counted counted(record);
  CHECK(counted.stats.uploads.success.get() == 0);
  CHECK(counted.failed(UploadFailure::kPeerError) == 0);
}

// --- the line --------------------------------------------------------------------------------------------------

TEST_CASE("access log: the line of a good exchange has no word of failure") {
  const std::string line = lineOf(upload(200), put("/bucket/key"));
  for (const char* part :
       {"\"event\":\"exchange\"", "\"peer\":\"node2\"", "\"operation\":\"upload\"", "\"class\":\"bulk\"",
        "\"method\":\"PUT\"", "\"path\":\"/bucket/key\"", "\"protocol\":\"2\"", "\"status\":200",
        "\"request_bytes\":1000", "\"response_bytes\":10", "\"end\":\"--\"", "\"duration_ms\":20"}) {
    CAPTURE(part);
    CHECK(has(line, part));
  }
  for (const char* word : {"error", "details", "party", "phase", "timer", "client_aborted", "retries", "ttfb_ms",
                           "connect_ms", "wait_ms", "grpc_status", "trace_id", "sample"})
    CHECK_FALSE(has(line, "\"" + std::string(word) + "\""));
}

TEST_CASE("access log: a failure has its name, its details and its party") {
  AccessRecord record = upload(502);
  record.retries = 2;
  record.note(failure(ErrorType::kConnectionRefused, Party::kPeer));
  const std::string line = lineOf(record, put("/"));
  CHECK(has(line, "\"error\":\"connection_refused\""));
  CHECK(has(line, "\"details\":\"why\""));
  CHECK(has(line, "\"party\":\"peer\""));
  CHECK(has(line, "\"retries\":2"));
}

TEST_CASE("access log: a client that went away is named as that") {
  AccessRecord record = upload(0);
  record.clientAborted = true;
  const std::string line = lineOf(record, put("/"));
  CHECK(has(line, "\"client_aborted\":true"));
  CHECK(has(line, "\"status\":0"));
  CHECK(has(line, "\"party\":\"client\""));
  CHECK(has(line, "\"end\":\"CR\""));
  CHECK_FALSE(has(line, "\"error\""));
}

TEST_CASE("access log: times, timer, status of gRPC, trace and sample are there when there are any") {
  AccessRecord record = upload(200);
  upstream::Failure late = failure(ErrorType::kConnectionReadTimeout, Party::kPeer);
  late.timedOut = true;
  late.timer = upstream::Timer::kStall;
  record.note(late);
  record.phase = upstream::Phase::kResponse;
  record.firstByte = milliseconds(3);
  record.steps = {milliseconds(1), milliseconds(2)};
  record.grpcStatus = 0;
  http::RequestHead head = put("/key");
  head.headers.add("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  const std::string line = lineOf(record, head, false, 1000);
  for (const char* part : {"\"end\":\"pD\"", "\"phase\":\"response\"", "\"timer\":\"stall\"", "\"ttfb_ms\":3",
                           "\"connect_ms\":1", "\"wait_ms\":2", "\"grpc_status\":0",
                           "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\"", "\"sample\":1000"}) {
    CAPTURE(part);
    CHECK(has(line, part));
  }
}

TEST_CASE("access log: a query is shown to those who want to see it") {
  CHECK(has(lineOf(upload(200), put("/key?X-Amz-Signature=1")), "\"path\":\"/key?*\""));
  CHECK(has(lineOf(upload(200), put("/key?X-Amz-Signature=1"), true), "\"path\":\"/key?X-Amz-Signature=1\""));
}

TEST_CASE("access log: a path is logged up to a length") {
  const std::string line = lineOf(upload(200), put("/" + std::string(10'000, 'x') + "end"));
  CHECK(has(line, "\"path\":\"/" + std::string(511, 'x') + "\""));
  CHECK_FALSE(has(line, "xend"));
}
