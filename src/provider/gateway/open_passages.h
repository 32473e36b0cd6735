// OpenPassages: the requests that one loop has let through and whose answers are not complete, so
// that a cut-off reaches those too. No allocation: each passage carries its own link.

#pragma once

namespace countersign::provider {

// A place in a ring; leaves it when it is destroyed.
class PassageLink {
 public:
  PassageLink() = default;
  PassageLink(const PassageLink&) = delete;
  PassageLink& operator=(const PassageLink&) = delete;
  ~PassageLink() { leave(); }

 private:
  friend class OpenPassages;
  void leave() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }
  PassageLink* previous_ = this;
  PassageLink* next_ = this;
};

class OpenPassages final {
 public:
  void add(PassageLink& link) {
    link.previous_ = ring_.previous_;
    link.next_ = &ring_;
    ring_.previous_->next_ = &link;
    ring_.previous_ = &link;
  }

  // `work` may take the one that it is given out of the ring, and no other.
  template <typename Work>
  void for_each(Work work) {
    for (PassageLink* at = ring_.next_; at != &ring_;) {
      PassageLink* const next = at->next_;
      work(*at);
      at = next;
    }
  }

 private:
  PassageLink ring_;
};

}  // namespace countersign::provider
