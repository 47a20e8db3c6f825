#include "testing/reference_attention.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace medlsam {
namespace {

std::vector<double> softmax(std::vector<double> scores) {
  const double greatest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - greatest);
  for (double& score : scores) score /= sum;
  return scores;
}

class WindowAttention {
 public:
  WindowAttention(const Shape& shape, std::span<const DoubleTensor> inputs, const Attributes& attributes)
      : shape_(shape), inputs_(inputs), heads_(attributes.integer("heads")), dim_(shape[3] / heads_) {
    const std::int64_t window = attributes.integer("window");
    extent_y_ = window == 0 ? shape[1] : window;
    extent_x_ = window == 0 ? shape[2] : window;
  }

  DoubleTensor result() const {
    DoubleTensor result = {shape_, {}};
    for_each({shape_[0], shape_[1], shape_[2], heads_},
             [&](const Index& index) { append(index, result.values); });
    return result;
  }

 private:
  // Channel c of q, k or v (third 0, 1, 2 of the channels) at a place that may lie in the padding.
  double projected(int third, std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t c) const {
    const std::int64_t channel = third * shape_[3] + c;
    const bool inside = y < shape_[1] && x < shape_[2];
    return (inside ? at(inputs_[0], {n, y, x, channel}) : 0) + at(inputs_[1], {channel});
  }

  double score(const Index& query, std::int64_t y, std::int64_t x) const {
    const std::int64_t first = query[3] * dim_;
    const std::int64_t down = query[1] - y + extent_y_ - 1, across = query[2] - x + extent_x_ - 1;
    double sum = 0;
    for (std::int64_t c = 0; c < dim_; ++c) {
      const double scaled = projected(1, query[0], y, x, first + c) / std::sqrt(static_cast<double>(dim_));
      sum += projected(0, query[0], query[1], query[2], first + c) *
             (scaled + at(inputs_[2], {down, c}) + at(inputs_[3], {across, c}));
    }
    return sum;
  }

  // Appends the output of one head for one token.
  void append(const Index& query, std::vector<double>& out) const {
    const std::int64_t top = query[1] / extent_y_ * extent_y_, left = query[2] / extent_x_ * extent_x_;
    std::vector<double> scores;
    for_each({extent_y_, extent_x_},
             [&](const Index& key) { scores.push_back(score(query, top + key[0], left + key[1])); });
    const auto weights = softmax(std::move(scores));
    for (std::int64_t c = query[3] * dim_; c < (query[3] + 1) * dim_; ++c) {
      double sum = 0;
      std::size_t i = 0;
      for_each({extent_y_, extent_x_}, [&](const Index& key) {
        sum += weights[i++] * projected(2, query[0], top + key[0], left + key[1], c);
      });
      out.push_back(sum);
    }
  }

  const Shape& shape_;
  std::span<const DoubleTensor> inputs_;
  std::int64_t heads_, dim_, extent_y_ = 0, extent_x_ = 0;
};

}  // namespace

DoubleTensor attention(const Shape& shape, std::span<const DoubleTensor> inputs, std::int64_t heads) {
  const DoubleTensor &q = inputs[0], &k = inputs[1], &v = inputs[2];
  const std::int64_t dim = shape[2] / heads;
  DoubleTensor result = {shape, {}};
  for_each({shape[0], shape[1], heads}, [&](const Index& index) {
    const std::int64_t n = index[0], query = index[1], first = index[2] * dim;  // the head's channels
    std::vector<double> scores;
    for (std::int64_t key = 0; key < k.shape[1]; ++key) {
      double score = 0;
      for (std::int64_t c = first; c < first + dim; ++c)
        score += at(q, {row_of(q, n), query, c}) * at(k, {row_of(k, n), key, c});
      scores.push_back(score / std::sqrt(static_cast<double>(dim)));
    }
    const auto weights = softmax(std::move(scores));
    for (std::int64_t c = first; c < first + dim; ++c) {
      double sum = 0;
      for (std::int64_t key = 0; key < v.shape[1]; ++key)
        sum += weights[static_cast<std::size_t>(key)] * at(v, {row_of(v, n), key, c});
      result.values.push_back(sum);
    }
  });
  return result;
}

DoubleTensor window_attention(const Shape& shape, std::span<const DoubleTensor> inputs,
                              const Attributes& attributes) {
  return WindowAttention(shape, inputs, attributes).result();
}

}  // namespace medlsam
