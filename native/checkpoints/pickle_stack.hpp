// Stack, marks and memo of the machine that reads a pickle.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "checkpoints/pickle.hpp"
#include "checkpoints/pickle_source.hpp"

namespace medlsam {

// Every misuse ends in source.fail().
class PickleStack {
 public:
  explicit PickleStack(const PickleSource& source) : source_(source) {}

  void push(PickleValue value);
  void mark() { marks_.push_back(stack_.size()); }
  PickleId pop();
  std::vector<PickleId> pop_items(std::size_t count);
  std::vector<PickleId> pop_to_mark();

  // The top of the stack as a T, which messages call `wanted`. The reference is valid until the next push.
  template <class T>
  const T& pop_as(const char* wanted) {
    return as<T>(pop(), wanted);
  }
  template <class T>
  T& top_as(const char* wanted) {
    return as<T>(top(), wanted);
  }
  PickleId top();

  void remember(std::size_t index);
  void remember_next() { remember(memo_.size()); }
  void recall(std::size_t index);

  std::vector<PickleValue>& values() { return values_; }

 private:
  template <class T>
  T& as(PickleId id, const char* wanted) {
    auto* value = std::get_if<T>(&values_[id]);
    if (!value) source_.fail(std::string(wanted) + " is needed here, another value is there");
    return *value;
  }

  static constexpr PickleId kUnset = ~PickleId{0};
  const PickleSource& source_;
  std::vector<PickleValue> values_;
  std::vector<PickleId> stack_, memo_;
  std::vector<std::size_t> marks_;  // heights of stack_
};

}  // namespace medlsam
