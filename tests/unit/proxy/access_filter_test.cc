// Goal: the access log has what an operator looks for, and not what fills a disk.
#include "access_filter.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::proxy;
using upstream::ErrorType;
using upstream::Phase;
using upstream::TrafficClass;
using Mode = AccessLogOptions::Mode;
using Verdict = AccessFilter::Verdict;

namespace {

AccessLogOptions notable(uint32_t sample = 0) {
  AccessLogOptions options;
  options.mode = Mode::kNotable;
  options.sample = sample;
  return options;
}

AccessRecord good() {
  AccessRecord record;
  record.status = 200;
  record.steps.connect = milliseconds(1);
  record.steps.wait = milliseconds(5);
  return record;
}

AccessRecord failed() {
  AccessRecord record = good();
  record.error = ErrorType::kConnectionTerminated;
  return record;
}

Verdict next(const AccessLogOptions& options, const AccessRecord& record, TrafficClass c = TrafficClass::kControl) {
  AccessFilter filter;
  return filter.next(options, c, record);
}

}  // namespace

TEST_CASE("access filter: all, or none") {
  AccessLogOptions options;
  options.mode = Mode::kAll;
  CHECK(next(options, good()) == Verdict::kYes);
  options.mode = Mode::kOff;
  CHECK(next(options, failed()) == Verdict::kNo);
}

TEST_CASE("access filter: failures, clients that go away and errors of the server are notable") {
  CHECK(next(notable(), good()) == Verdict::kNo);
  CHECK(next(notable(), failed()) == Verdict::kYes);
  AccessRecord aborted = good();
  aborted.clientAborted = true;
  CHECK(next(notable(), aborted) == Verdict::kYes);
  for (const auto& [given, is] : {std::pair{404, false}, {429, false}, {499, false}, {500, true}, {503, true}}) {
    const int status = given;
    CAPTURE(status);
    AccessRecord record = good();
    record.status = status;
    CHECK(next(notable(), record) == (is ? Verdict::kYes : Verdict::kNo));
  }
  for (const auto& [given, is] : {std::pair{0, false}, {1, false}, {5, false}, {14, true}, {4, true}, {16, false}}) {
    const int status = given;
    CAPTURE(status);
    AccessRecord record = good();
    record.grpcStatus = status;
    CHECK(next(notable(), record) == (is ? Verdict::kYes : Verdict::kNo));
  }
}

TEST_CASE("access filter: slow is who kept the request waiting, not who moved many bytes") {
  AccessRecord record = good();
  record.took = seconds(3600);
  CHECK(next(notable(), record) == Verdict::kNo);
  record.steps.wait = milliseconds(1001);
  CHECK(next(notable(), record) == Verdict::kYes);
  CHECK(next(notable(), record, TrafficClass::kStream) == Verdict::kNo);
  record = good();
  record.steps.connect = milliseconds(1001);
  CHECK(next(notable(), record) == Verdict::kYes);
  AccessLogOptions never = notable();
  never.slow = Duration::zero();
  CHECK(next(never, record) == Verdict::kNo);
}

TEST_CASE("access filter: what the circuit refuses from the start is no news, what it cuts off is") {
  AccessRecord record = failed();
  record.fastFailed = true;
  record.phase = Phase::kQueue;
  CHECK(next(notable(), record) == Verdict::kNo);
  record.phase = Phase::kWait;
  CHECK(next(notable(), record) == Verdict::kYes);
}

TEST_CASE("access filter: of the others each Nth is written, the first as well") {
  AccessFilter filter;
  const AccessLogOptions options = notable(3);
  std::string seen;
  for (int i = 0; i < 7; ++i) {
    seen += filter.next(options, TrafficClass::kControl, good()) == Verdict::kSampled ? 's' : '.';
    CHECK(filter.next(options, TrafficClass::kControl, failed()) == Verdict::kYes);  // and does not count
  }
  CHECK(seen == "s..s..s");
}

TEST_CASE("access filter: what our own limits refuse before anything is sent is sampled as any other") {
  AccessRecord shed = failed();
  shed.shed = true;
  shed.error = ErrorType::kConnectionLimitReached;
  shed.party = upstream::Party::kSelf;
  shed.phase = Phase::kQueue;
  AccessRecord limited = shed;
  limited.shed = false;
  for (const AccessRecord& record : {shed, limited}) {
    AccessFilter filter;
    size_t lines = 0;
    for (int i = 0; i < 1000; ++i)
      lines += filter.next(notable(1000), TrafficClass::kControl, record) == Verdict::kNo ? 0U : 1U;
    CHECK(lines == 1);
  }
  limited.phase = Phase::kWait;
  CHECK(next(notable(), limited) == Verdict::kYes);
}
