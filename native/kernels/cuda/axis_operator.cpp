#include "kernels/cuda/axis_operator.hpp"

#include <vector>

#include "kernels/cuda/axis_operator_body.hpp"

namespace medlsam::cuda {
namespace {

// stored · slope + intercept, in double precision as on the CPU.
template <class T>
struct ScaledSource {
  const T* values;
  double slope, intercept;
  MEDLSAM_KERNEL float operator()(std::int64_t i) const {
    return static_cast<float>(static_cast<double>(values[i]) * slope + intercept);
  }
};

}  // namespace

Operator OperatorMemory::upload(std::span<const std::int64_t> first, std::span<const std::int64_t> begin,
                                std::span<const float> weights, Stream stream) {
  const auto narrow = [](std::span<const std::int64_t> from) {
    return std::vector<std::int32_t>(from.begin(), from.end());
  };
  const std::vector<std::int32_t> narrow_first = narrow(first), narrow_begin = narrow(begin);
  return {first_.upload(narrow_first, stream), begin_.upload(narrow_begin, stream),
          weights_.upload(weights, stream), static_cast<std::int64_t>(first.size())};
}

void apply_operator(Stream stream, const Operator& op, const StoredValues& in, const AxisExtents& extents,
                    float* out) {
  with_stored(in.type, [&]<class T>(T) {
    const T* values = static_cast<const T*>(in.values);
    if (in.slope == 1 && in.intercept == 0) {
      launch_operator(stream, op, extents, PlainSource<T>{values}, PlainSink{out});
    } else {
      launch_operator(stream, op, extents, ScaledSource<T>{values, in.slope, in.intercept}, PlainSink{out});
    }
  });
}

void apply_operator(Stream stream, const Operator& op, const float* in, const AxisExtents& extents,
                    float* out) {
  launch_operator(stream, op, extents, PlainSource<float>{in}, PlainSink{out});
}

}  // namespace medlsam::cuda
