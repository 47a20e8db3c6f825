// A 3×3×3 convolution with what joins in.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "kernels/convolution/direct.hpp"
#include "kernels/convolution/winograd.hpp"
#include "runtimes/cpu/activations_layout.hpp"
#include "runtimes/cpu/operator.hpp"

namespace medlsam::cpu {

struct ConvolutionSource {
  Value value;
  bool upsampled = false;
};

struct ConvolutionParts {
  std::vector<ConvolutionSource> sources;  // their channels follow one another
  const float* weights = nullptr;          // (out, in, 3, 3, 3)
  const float* bias = nullptr;             // (out) or null; cancels where `epsilon` is set
  std::int64_t out = 0, in = 0;
  std::optional<double> epsilon;  // of the normalization with ReLU that follows
  Value result;
  std::optional<Value> pooled;
  bool is_read = true;  // the result, and not the pooled one alone
};

class ConvolutionOperator : public Operator {
 public:
  explicit ConvolutionOperator(ConvolutionParts parts);

  const Layout* input_layout(std::size_t) const override;
  const Layout* result_layout(std::size_t) const override;
  Step plan(const OperatorShapes& shapes, unsigned threads) const override;

 private:
  // A single row-major source of few channels is read as it is: blocks would be empty lanes for the most
  // part.
  bool reads_rows() const;
  // The edge of Winograd's tiles for these results, or 0 for none.
  int tile_for(const Shape& result) const;
  std::span<const float> weights() const {
    return {parts_.weights, static_cast<std::size_t>(27 * parts_.out * parts_.in)};
  }
  const convolution::WinogradWeights& winograd(int tile) const;
  const convolution::DirectWeights& direct() const;
  // The result's shape, whether it is read or not.
  Shape result_shape(const OperatorShapes& shapes) const;
  // Says of `to`, values of the result or pooled ones, what is still to be done to them. `result`: its
  // layout.
  void finish(const MutableActivations& to, const convolution::BlockedLayout& result,
              const convolution::Moments* moments, const Task& task) const;

  const ConvolutionParts parts_;
  // Packed when the first plan wants them: which it is depends on extents.
  mutable std::once_flag four_once_, two_once_, direct_once_;
  mutable std::shared_ptr<const convolution::WinogradWeights> four_, two_;
  mutable std::shared_ptr<const convolution::DirectWeights> direct_;
};

}  // namespace medlsam::cpu
