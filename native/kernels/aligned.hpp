#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace medlsam {

// Floats that begin at a cache line. They are not initialized.
class AlignedFloats {
 public:
  static constexpr std::size_t kAlignment = 64;

  AlignedFloats() = default;
  explicit AlignedFloats(std::size_t count)
      : count_(count),
        data_(static_cast<float*>(::operator new (count * sizeof(float), std::align_val_t{kAlignment}))) {}

  float* data() const { return data_.get(); }
  std::size_t size() const { return count_; }

  // The first `count` floats, after an allocation if there are fewer. What was in them is lost.
  float* at_least(std::size_t count) {
    if (count > count_) *this = AlignedFloats(count);
    return data();
  }

 private:
  struct Free {
    void operator()(float* data) const { ::operator delete (data, std::align_val_t{kAlignment}); }
  };

  std::size_t count_ = 0;
  std::unique_ptr<float, Free> data_;
};

}  // namespace medlsam
