#include "kernels/elements.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "kernels/row_functions.hpp"

namespace medlsam {
namespace {

// Values of an item: enough to be worth handing out. A multiple of every number of lanes.
constexpr std::int64_t kItem = 1 << 14;

// body(begin, end, lanes) for pieces of [0, count).
template <class Body>
void in_pieces(const Task& task, std::int64_t count, std::int64_t piece, const Body& body) {
  parallel_for(task, static_cast<std::size_t>((count + piece - 1) / piece), [&](std::size_t i, std::size_t) {
    const std::int64_t begin = static_cast<std::int64_t>(i) * piece;
    run_simd([&](auto lanes)
                 __attribute__((always_inline)) { body(begin, std::min(count, begin + piece), lanes); });
  });
}

}  // namespace

void layer_norm(const Task& task, const float* x, std::int64_t rows, std::int64_t length,
                const LayerNorm& norm, float* out) {
  in_pieces(
      task, rows, std::max<std::int64_t>(1, kItem / std::max<std::int64_t>(1, length)),
      [&](std::int64_t begin, std::int64_t end, auto lanes) __attribute__((always_inline)) {
        for (std::int64_t row = begin; row < end; ++row)
          rows::normalize<lanes>(x + row * length, length, norm.weight, norm.bias, norm.epsilon,
                                 out + row * length);
      });
}

void gelu(const Task& task, const float* x, std::int64_t count, float* out) {
  in_pieces(
      task, count,
      kItem, [&](std::int64_t begin, std::int64_t end, auto lanes) __attribute__((always_inline)) {
        rows::each_vector<lanes>(
            x + begin, end - begin,
            [&](const rows::Vector<lanes>& value, std::int64_t i, std::int64_t some)
                __attribute__((always_inline)) {
                  rows::Vector<lanes> result = value;
                  rows::gelu<lanes>(result);
                  if (some == lanes) {
                    rows::store<lanes>(result, out + begin + i);
                  } else {
                    rows::store_part<lanes>(result, out + begin + i, some);
                  }
                });
      });
}

}  // namespace medlsam
