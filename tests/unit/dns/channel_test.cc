// Goal: each kind of answer, and none at all, is told as what it is; and what is open when the channel goes is answered.
#include "channel.h"

#include <optional>

#include <doctest/doctest.h>

#include "dns_server.h"

using namespace peerpulse;
using namespace peerpulse::dns;

namespace {

using Reply = DnsServer::Reply;

/// Asks once, with short timeouts.
Answer ask(const std::vector<std::string>& servers, Family family, const std::string& name = "node2.example") {
  Options options;
  options.servers = servers;
  options.timeout = milliseconds(50);
  options.tries = 1;
  event::Dispatcher dispatcher;
  Channel channel(dispatcher, options);
  std::optional<Answer> answer;
  channel.lookUp(name, 9000, family, [&](Answer a) {
    answer = std::move(a);
    dispatcher.post([&] { dispatcher.exit(); });
  });
  dispatcher.run();
  REQUIRE(answer);
  return *answer;
}

Answer askFor(const Reply& reply, Family family = Family::kV4) {
  const DnsServer server([&](uint16_t) { return reply; });
  return ask({server.address()}, family);
}

Reply rcode(uint8_t code) {
  Reply reply;
  reply.rcode = code;
  return reply;
}

}  // namespace

TEST_CASE("channel: addresses of each family, with port and TTL") {
  Reply reply;
  reply.addresses = {"10.0.0.2", "10.0.0.3"};
  reply.ttl = 7;
  const Answer v4 = askFor(reply);
  CHECK(v4.status == Status::kOk);
  CHECK(v4.ttl == seconds(7));
  REQUIRE(v4.addresses.size() == 2);
  CHECK(v4.addresses[0].toString() == "10.0.0.2:9000");
  reply.addresses = {"fd00::2"};
  const Answer v6 = askFor(reply, Family::kV6);
  REQUIRE(v6.addresses.size() == 1);
  CHECK(v6.addresses[0].toString() == "[fd00::2]:9000");
}

TEST_CASE("channel: what is no address is told apart") {
  CHECK(askFor(Reply{}).status == Status::kNoAddress);
  CHECK(askFor(rcode(1)).status == Status::kBadAnswer);
  CHECK(askFor(rcode(2)).status == Status::kServerFailure);
  CHECK(askFor(rcode(3)).status == Status::kNoSuchName);
  CHECK(askFor(rcode(4)).status == Status::kServerFailure);
  CHECK(askFor(rcode(5)).status == Status::kRefused);
  Reply silent;
  silent.silent = true;
  CHECK(askFor(silent).status == Status::kTimeout);
  Reply other;
  other.addresses = {"10.6.6.6"};
  other.otherQuestion = true;
  CHECK(askFor(other).status == Status::kTimeout);  // it is no answer to ours
}

TEST_CASE("channel: addresses that nobody can have are left out") {
  Reply reply;
  reply.addresses = {"0.0.0.0", "10.0.0.2", "224.0.0.1", "255.255.255.255"};
  const Answer v4 = askFor(reply);
  REQUIRE(v4.addresses.size() == 1);
  CHECK(v4.addresses[0].toString() == "10.0.0.2:9000");
  reply.addresses = {"::", "fe80::2", "ff02::1"};
  CHECK(askFor(reply, Family::kV6).status == Status::kBadAnswer);
}

TEST_CASE("channel: a server that fails is not the last one") {
  const DnsServer bad([](uint16_t) { return rcode(2); });
  const DnsServer good([](uint16_t) {
    Reply reply;
    reply.addresses = {"10.0.0.2"};
    return reply;
  });
  CHECK(ask({bad.address(), good.address()}, Family::kV4).status == Status::kOk);
  CHECK(ask({bad.address(), bad.address()}, Family::kV4).status != Status::kOk);
}

TEST_CASE("channel: the loopback's own name needs no server") {
  CHECK(ask({"127.0.0.1:1"}, Family::kV4, "localhost").status == Status::kOk);
}

TEST_CASE("channel: what is open when it goes is answered") {
  Reply silent;
  silent.silent = true;
  const DnsServer server([&](uint16_t) { return silent; });
  Options options;
  options.servers = {server.address()};
  event::Dispatcher dispatcher;
  std::optional<Answer> answer;
  {
    Channel channel(dispatcher, options);
    channel.lookUp("node2.example", 9000, Family::kV4, [&](Answer a) { answer = std::move(a); });
    CHECK_FALSE(answer);
  }
  REQUIRE(answer);
  CHECK(answer->status == Status::kOwnTrouble);
}

TEST_CASE("channel: servers that make no sense are an error, and an answer") {
  Options options;
  options.servers = {"not-an-address"};
  event::Dispatcher dispatcher;
  Channel channel(dispatcher, options);
  const auto opened = channel.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.find("not-an-address") != std::string::npos);
  std::optional<Answer> answer;
  channel.lookUp("node2.example", 9000, Family::kV4, [&](Answer a) { answer = std::move(a); });
  REQUIRE(answer);
  CHECK(answer->status == Status::kOwnTrouble);
}
