// Tensors in double precision that are read element by element, for plain definitions of what is fast
// elsewhere.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <span>
#include <vector>

#include "base/tensor.hpp"

namespace medlsam {

struct DoubleTensor {
  Shape shape;
  std::vector<double> values;
};

using Index = std::vector<std::int64_t>;

// Calls body(index) for every index of a shape, in row-major order.
inline void for_each(const Shape& shape, const std::function<void(const Index&)>& body) {
  Index index(shape.size(), 0);
  for (std::size_t left = shape_elements(shape); left > 0; --left) {
    body(index);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

inline std::size_t offset_of(const Shape& shape, std::span<const std::int64_t> index) {
  std::size_t offset = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis)
    offset = offset * static_cast<std::size_t>(shape[axis]) + static_cast<std::size_t>(index[axis]);
  return offset;
}

inline double at(const DoubleTensor& x, const Index& index) {
  return x.values[offset_of(x.shape, index)];
}

inline double at(const DoubleTensor& x, std::initializer_list<std::int64_t> index) {
  return x.values[offset_of(x.shape, {index.begin(), index.size()})];
}

// A tensor whose values a function of the index gives.
inline DoubleTensor filled(const Shape& shape, const std::function<double(const Index&)>& value) {
  DoubleTensor result = {shape, {}};
  for_each(shape, [&](const Index& index) { result.values.push_back(value(index)); });
  return result;
}

// The row of a batch that serves n.
inline std::int64_t row_of(const DoubleTensor& x, std::int64_t n) {
  return x.shape[0] == 1 ? 0 : n;
}

}  // namespace medlsam
