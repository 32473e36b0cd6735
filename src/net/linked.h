// Linked and LinkedList: lists whose members are the links themselves. Joining and leaving allocate
// nothing and take constant time, and what is destroyed leaves its list by itself. One thread.

#pragma once

namespace countersign::net {

class Linked {
 public:
  Linked() = default;
  Linked(const Linked&) = delete;
  Linked& operator=(const Linked&) = delete;

  bool linked() const { return next_ != this; }
  void unlink() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 protected:
  ~Linked() { unlink(); }

 private:
  template <typename T>
  friend class LinkedList;
  Linked* previous_ = this;
  Linked* next_ = this;
};

// T derives from Linked, once. The list owns nothing; when it is destroyed, its members are in no
// list.
template <typename T>
class LinkedList final {
 public:
  LinkedList() = default;
  ~LinkedList() {
    while (!empty()) front().unlink();
  }

  bool empty() const { return !ends_.linked(); }
  T& front() { return static_cast<T&>(*ends_.next_); }
  T& back() { return static_cast<T&>(*ends_.previous_); }

  // A member of another list leaves that one.
  void push_back(T& member) {
    Linked& link = member;
    link.unlink();
    link.previous_ = ends_.previous_;
    link.next_ = &ends_;
    ends_.previous_->next_ = &link;
    ends_.previous_ = &link;
  }

  T& pop_front() {
    T& first = front();
    first.unlink();
    return first;
  }

  // Moves all members of `other` to the end of this list, in constant time.
  void take_all(LinkedList& other) {
    if (other.empty()) return;
    Linked* first = other.ends_.next_;
    Linked* last = other.ends_.previous_;
    other.ends_.previous_ = other.ends_.next_ = &other.ends_;
    first->previous_ = ends_.previous_;
    ends_.previous_->next_ = first;
    last->next_ = &ends_;
    ends_.previous_ = last;
  }

  // Calls visit(member) for each; visit may unlink the member it is given, and no other.
  template <typename Visit>
  void for_each(Visit visit) {
    for (Linked* link = ends_.next_; link != &ends_;) {
      Linked* following = link->next_;
      visit(static_cast<T&>(*link));
      link = following;
    }
  }

 private:
  struct Ends final : Linked {};
  Ends ends_;
};

}  // namespace countersign::net
