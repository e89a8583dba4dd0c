// LinkedList: an intrusive doubly linked list of objects it does not own. An object derives from ListNode<Tag>
// once per list it can be in; leaving a list is O(1) and happens by itself when the object dies.
//
// Threading: one thread.
#pragma once

#include <cstddef>

#include "peerpulse/base/assert.h"

namespace peerpulse {

template <typename T, typename Tag>
class LinkedList;

template <typename Tag>
class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  bool linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
    if (size_ != nullptr) --*size_;
    size_ = nullptr;
  }

 private:
  template <typename T, typename U>
  friend class LinkedList;
  ListNode* next_ = nullptr;
  ListNode* prev_ = nullptr;
  size_t* size_ = nullptr;  // of the list this node is in
};

template <typename T, typename Tag>
class LinkedList {
 public:
  using Node = ListNode<Tag>;

  LinkedList() { head_.next_ = head_.prev_ = &head_; }
  LinkedList(const LinkedList&) = delete;
  LinkedList& operator=(const LinkedList&) = delete;
  ~LinkedList() {
    while (!empty())
      head_.next_->unlink();
    head_.next_ = head_.prev_ = nullptr;
  }

  bool empty() const { return head_.next_ == &head_; }
  size_t size() const { return size_; }
  /// Requires !empty().
  T& front() { return static_cast<T&>(*head_.next_); }
  T& back() { return static_cast<T&>(*head_.prev_); }

  /// `item` must not be in another list with the same Tag.
  void pushBack(T& item) {
    Node& node = item;
    PP_ASSERT(!node.linked());
    node.prev_ = head_.prev_;
    node.next_ = &head_;
    head_.prev_->next_ = &node;
    head_.prev_ = &node;
    node.size_ = &size_;
    ++size_;
  }

  /// Calls `visit(T&)` for each item; the visited item may leave the list, others may not.
  template <typename Visit>
  void forEach(Visit visit) {
    for (Node* node = head_.next_; node != &head_;) {
      Node* next = node->next_;
      visit(static_cast<T&>(*node));
      node = next;
    }
  }

 private:
  Node head_;
  size_t size_ = 0;
};

}  // namespace peerpulse
