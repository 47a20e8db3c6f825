#include "checkpoints/pickle_stack.hpp"

namespace medlsam {

void PickleStack::push(PickleValue value) {
  stack_.push_back(static_cast<PickleId>(values_.size()));
  values_.push_back(std::move(value));
}

PickleId PickleStack::top() {
  if (stack_.size() == (marks_.empty() ? 0 : marks_.back())) {
    source_.fail("it takes a value that nothing put there");
  }
  return stack_.back();
}

PickleId PickleStack::pop() {
  const PickleId id = top();
  stack_.pop_back();
  return id;
}

std::vector<PickleId> PickleStack::pop_items(std::size_t count) {
  std::vector<PickleId> items(count);
  for (std::size_t i = count; i-- > 0;) items[i] = pop();
  return items;
}

std::vector<PickleId> PickleStack::pop_to_mark() {
  if (marks_.empty()) source_.fail("it collects values up to a mark that nothing set");
  std::vector<PickleId> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
  stack_.resize(marks_.back());
  marks_.pop_back();
  return items;
}

void PickleStack::remember(std::size_t index) {
  // Python numbers memo entries consecutively; an index beyond the number of instructions is an attack on
  // memory.
  if (index >= PickleSource::kMaxWork)
    source_.fail("the memo index " + std::to_string(index) + " is too large");
  const PickleId id = top();
  if (index >= memo_.size()) memo_.resize(index + 1, kUnset);
  memo_[index] = id;
}

void PickleStack::recall(std::size_t index) {
  if (index >= memo_.size() || memo_[index] == kUnset) {
    source_.fail("the memo index " + std::to_string(index) + " was never set");
  }
  stack_.push_back(memo_[index]);
}

}  // namespace medlsam
