// Goal: a refusal is made once for each word of the circuit and each form, and never outlives the word.
#include "refusal_replies.h"

#include <doctest/doctest.h>

using namespace peerpulse::proxy;

namespace {

struct Maker {
  PreparedReply operator()() {
    ++made;
    LocalReply reply;
    reply.head.status = 500 + made;
    reply.body = "reply " + std::to_string(made);
    return PreparedReply(reply);
  }
  int made = 0;
};

}  // namespace

TEST_CASE("refusal replies: made once for a generation and a form") {
  RefusalReplies replies;
  Maker maker;
  const auto make = [&] { return maker(); };
  const PreparedReply& plain = replies.get(7, false, make);
  CHECK(plain.head.status == 501);
  CHECK(plain.body.view() == "reply 1");
  CHECK(&replies.get(7, false, make) == &plain);
  const PreparedReply& grpc = replies.get(7, true, make);
  CHECK(grpc.head.status == 502);
  CHECK(&replies.get(7, true, make) == &grpc);
  CHECK(&replies.get(7, false, make) == &plain);
  CHECK(maker.made == 2);
}

TEST_CASE("refusal replies: another generation makes both anew") {
  RefusalReplies replies;
  Maker maker;
  const auto make = [&] { return maker(); };
  replies.get(7, false, make);
  replies.get(7, true, make);
  CHECK(replies.get(8, false, make).head.status == 503);
  CHECK(replies.get(8, true, make).head.status == 504);
  CHECK(replies.get(7, false, make).head.status == 505);  // also if it was there before: the numbers wrap
}

TEST_CASE("refusal replies: the first generation of all is none that was made before") {
  RefusalReplies replies;
  Maker maker;
  CHECK(replies.get(0, false, [&] { return maker(); }).head.status == 501);
  CHECK(replies.get(65535, false, [&] { return maker(); }).head.status == 502);
}

TEST_CASE("refusal replies: a reply's body is shared, however often it is sent") {
  RefusalReplies replies;
  Maker maker;
  const PreparedReply& reply = replies.get(1, false, [&] { return maker(); });
  const peerpulse::Slice copy = reply.body;
  CHECK(copy.data() == reply.body.data());
}
