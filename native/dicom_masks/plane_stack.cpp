#include "dicom_masks/plane_stack.hpp"

#include "base/error.hpp"

namespace medlsam {

PlaneStack plane_stack(const Index3& shape, const std::array<int, 3>& axes,
                       const std::array<bool, 3>& reversed, std::span<const std::int32_t> slices) {
  int found = 0;
  for (const int axis : axes) found |= axis >= 0 && axis < 3 ? 1 << axis : 8;
  if (found != 7) throw Error(ErrorCode::kBadArgument, "The axes of a series are a permutation of three.");
  const std::array<std::int64_t, 3> stored = {shape[1] * shape[2], shape[2], 1};
  std::array<std::int64_t, 3> stride{};
  std::int64_t origin = 0;
  for (int i = 0; i < 3; ++i) {
    stride[i] = reversed[i] ? -stored[axes[i]] : stored[axes[i]];
    if (reversed[i]) origin += (shape[axes[i]] - 1) * stored[axes[i]];
  }
  PlaneStack stack;
  stack.rows = shape[axes[1]];
  stack.columns = shape[axes[2]];
  stack.row_stride = stride[1];
  stack.column_stride = stride[2];
  for (const std::int32_t slice : slices) {
    if (slice < 0 || slice >= shape[axes[0]]) {
      throw Error(ErrorCode::kBadArgument, "An image of the series is outside the volume.");
    }
    stack.first.push_back(origin + slice * stride[0]);
  }
  return stack;
}

}  // namespace medlsam
