// Large arrays of floats, aligned to cache lines and, where the system can, on large pages: they are read
// from one end to the other again and again.
#pragma once

#include <cstddef>
#include <memory>

namespace medlsam {

class LargeFloats {
 public:
  LargeFloats() = default;
  explicit LargeFloats(std::size_t size);  // zeros

  float* data() { return values_.get(); }
  const float* data() const { return values_.get(); }
  std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(float* values) const;
  };
  std::unique_ptr<float[], Free> values_;
  std::size_t size_ = 0;
};

}  // namespace medlsam
