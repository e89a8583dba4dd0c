// Goal: items leave the list by themselves, and the list may be emptied from inside a visit.
#include "peerpulse/base/linked_list.h"

#include <memory>
#include <vector>

#include <doctest/doctest.h>

using namespace peerpulse;

namespace {
struct TagA {};
struct TagB {};
struct Item : ListNode<TagA>, ListNode<TagB> {
  explicit Item(int v) : value(v) {}
  int value;
};
}  // namespace

TEST_CASE("linked_list: keeps order and size; a destroyed item is gone") {
  LinkedList<Item, TagA> list;
  Item one(1);
  {
    Item two(2);
    list.pushBack(one);
    list.pushBack(two);
    CHECK(list.size() == 2);
    CHECK(list.back().value == 2);
  }
  CHECK(list.size() == 1);
  CHECK(list.front().value == 1);
}

TEST_CASE("linked_list: an item can be in lists of different tags") {
  LinkedList<Item, TagA> a;
  LinkedList<Item, TagB> b;
  Item item(1);
  a.pushBack(item);
  b.pushBack(item);
  item.ListNode<TagA>::unlink();
  CHECK(a.empty());
  CHECK(b.size() == 1);
}

TEST_CASE("linked_list: the visited item may leave during forEach") {
  LinkedList<Item, TagA> list;
  std::vector<std::unique_ptr<Item>> items;
  for (int i = 0; i < 5; ++i) {
    items.push_back(std::make_unique<Item>(i));
    list.pushBack(*items.back());
  }
  int sum = 0;
  list.forEach([&](Item& item) {
    sum += item.value;
    if (item.value % 2 == 0) item.ListNode<TagA>::unlink();
  });
  CHECK(sum == 10);
  CHECK(list.size() == 2);
}

TEST_CASE("linked_list: a list that dies first leaves its items unlinked") {
  Item item(1);
  {
    LinkedList<Item, TagA> list;
    list.pushBack(item);
  }
  CHECK_FALSE(item.ListNode<TagA>::linked());
}
