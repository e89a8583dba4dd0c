#include "peerpulse/http/header_list.h"

#include <string>
#include <utility>

#include <doctest/doctest.h>

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

TEST_CASE("HeaderList: copies have storage of their own, what was moved from is empty") {
  HeaderList list;
  for (int i = 0; i < 40; ++i)
    list.add("name-" + std::to_string(i), std::string(static_cast<size_t>(i), 'v'));
  list.remove("name-7");
  HeaderList copy(list);
  list.set("name-8", "changed");
  CHECK(copy.count() == 39);
  CHECK(copy.find("name-8") == std::string(8, 'v'));
  CHECK(copy.at(38).name == "name-39");
  CHECK(copy.listSize() == list.listSize() + 1);
  HeaderList moved(std::move(copy));
  CHECK(moved.find("name-39").size() == 39);
  CHECK(copy.empty());  // NOLINT: that is the promise
  CHECK(copy.listSize() == 0);
  copy.add("a", "b");
  CHECK(copy.at(0).value == "b");
  copy = moved;
  CHECK(copy.count() == 39);
  moved = std::move(copy);
  CHECK(copy.empty());  // NOLINT
  CHECK(moved.count() == 39);
}

TEST_CASE("HeaderList: room made beforehand is not moved out of") {
  HeaderList list;
  list.reserve(3, 30);
  list.add("0123456789", "");
  const char* first = list.at(0).name.data();
  list.add("a", "0123456789");
  list.add("b", "12345678");
  CHECK(list.at(0).name.data() == first);
  CHECK(list.at(2).value == "12345678");
  list.add("c", std::string(1000, 'x'));
  CHECK(list.at(0).name == "0123456789");
  CHECK(list.at(3).value.size() == 1000);
}

TEST_CASE("HeaderList: empty names and values") {
  HeaderList list;
  list.add("", "");
  list.add("a", "");
  CHECK(list.count() == 2);
  CHECK(list.has("a"));
  CHECK(list.has(""));
  CHECK_FALSE(list.has("b"));
}

}  // namespace
}  // namespace peerpulse::http
