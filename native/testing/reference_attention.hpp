// Op::kAttention and Op::kWindowAttention (networks/graph.hpp) as they are defined.
#pragma once

#include <span>

#include "networks/graph.hpp"
#include "testing/double_tensor.hpp"

namespace medlsam {

DoubleTensor attention(const Shape& shape, std::span<const DoubleTensor> inputs, std::int64_t heads);
DoubleTensor window_attention(const Shape& shape, std::span<const DoubleTensor> inputs,
                              const Attributes& attributes);

}  // namespace medlsam
