// Goal: a peer's answer stands in ours as it came, whatever bytes it has; errors say what, and what to do.
#include "answer.h"

#include "fanout_world.h"

using namespace peerpulse;
using namespace peerpulse::fanout;
using namespace peerpulse::fanout::test;
using peerpulse::test::ServedRequest;

namespace {

/// What the aggregate shows of such an answer of node2's.
std::string shown(const std::string& type, const std::string& body) {
  FanoutWorld w;
  w.remote(0).onRequest = [&](ServedRequest& served) {
    http::ResponseHead head;
    head.status = 200;
    if (!type.empty()) head.headers.add("content-type", type);
    served.stream->sendHeaders(head, body.empty());
    if (body.empty()) return;
    served.stream->sendData(Slice::copyOf(body));
    served.stream->sendEnd();
  };
  ClientRequest& request = w.ask("GET", "/aggregate/x", "", {{"peerpulse-peers", "node2"}});
  w.answerTo(request);
  return request.body;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("answer: JSON stands as it came, what only says that it is stands as text") {
  CHECK(has(shown("application/json", R"({"n":1.10,"n":12345678901234567890})"),
            R"("body":{"n":1.10,"n":12345678901234567890}})"));
  CHECK(has(shown("application/problem+json;x=y", "[]"), R"("body":[]})"));
  CHECK(has(shown("application/json", "{} {}"), R"("text":"{} {}")"));
  CHECK(has(shown("application/json", R"("},{"peer":"node9)"), R"("text":"\"},{\"peer\":\"node9")"));
  CHECK(has(shown("text/plain", "{}"), R"("text":"{}")"));
  CHECK_FALSE(has(shown("application/json", ""), "body"));
}

TEST_CASE("answer: bytes that are no text are base64, with its padding") {
  CHECK(has(shown("", "\xff"), R"("base64":"/w==")"));
  CHECK(has(shown("", "\xff\xfe"), R"("base64":"//4=")"));
  CHECK(has(shown("", "\xff\xfe\xfd"), R"("base64":"//79")"));
}

TEST_CASE("answer: a refusal says when to come again, and which methods there are") {
  const Answer busy = refusalAnswer({503, "busy", "wait", {}});
  CHECK(busy.headers.find("retry-after") == "1");
  CHECK(busy.body == "{\"error\":\"busy\",\"message\":\"wait\"}\n");
  CHECK(refusalAnswer({405, "no", "no", "GET"}).headers.find("allow") == "GET");
}
