#include "peerpulse/http/header_list.h"

#include <string>

#include <doctest/doctest.h>

#include "peerpulse/http/message.h"

namespace peerpulse::http {
namespace {

TEST_CASE("HeaderList: order, lookup without case, size") {
  HeaderList list;
  CHECK(list.empty());
  CHECK_FALSE(list.has("a"));
  list.add("Alpha", "1");
  list.add("beta", "");
  list.add("ALPHA", "2");
  CHECK(list.count() == 3);
  CHECK(list.at(0).name == "Alpha");
  CHECK(list.at(2).value == "2");
  CHECK(list.find("alpha") == "1");
  CHECK(list.has("Beta"));
  CHECK(list.find("BETA").empty());
  CHECK(list.listSize() == 6 + 4 + 6 + 3 * 32);
  CHECK(list.remove("alpha") == 2);
  CHECK(list.remove("alpha") == 0);
  CHECK(list.count() == 1);
  CHECK(list.listSize() == 4 + 32);
  list.set("beta", "x");
  CHECK(list.count() == 1);
  CHECK(list.find("beta") == "x");
}

TEST_CASE("HeaderList: fields of its own as arguments") {
  HeaderList list;
  list.add("name", std::string(100, 'v'));
  for (int i = 0; i < 50; ++i)
    list.add(list.at(0).name, list.at(0).value);
  CHECK(list.at(50).value == std::string(100, 'v'));
  list.set("name", list.at(3).value);
  CHECK(list.count() == 1);
  CHECK(list.find("name") == std::string(100, 'v'));
}

TEST_CASE("equalsIgnoreCase touches ASCII letters only") {
  CHECK(equalsIgnoreCase("Content-Type", "content-tYPE"));
  CHECK_FALSE(equalsIgnoreCase("a", "ab"));
  CHECK_FALSE(equalsIgnoreCase("[", "{"));
  CHECK_FALSE(equalsIgnoreCase("\xc4", "\xe4"));
}

TEST_CASE("RequestHead: gRPC by content-type") {
  RequestHead head;
  CHECK_FALSE(head.isGrpc());
  head.headers.add("Content-Type", "application/grpc+proto");
  CHECK(head.isGrpc());
  head.headers.set("content-type", "application/json");
  CHECK_FALSE(head.isGrpc());
}

}  // namespace
}  // namespace peerpulse::http
