#include "kernels/cuda/template_kernels.hpp"

#include <string>

#include "base/error.hpp"
#include "kernels/cuda/matrix.hpp"

namespace medlsam::cuda {
namespace {

constexpr int kLargestKernel = 8;

std::size_t cube(int edge) {
  return std::size_t{1} * edge * edge * edge;
}

bool can_be_rows(int size, int channels) {
  return (size == 4 || size == 8) && channels % kTileDepth == 0;
}

// (channels, dz, dy, dx) → (dz, dy, 8, channels), zeros beside a narrower kernel.
void rearrange(const float* kernel, int channels, int size, Half* out) {
  const int block = size * size * size;
  for (int line = 0; line < size * size; ++line) {
    for (int dx = 0; dx < kTileColumns; ++dx, out += channels) {
      for (int c = 0; c < channels; ++c)
        out[c] = from_float<Half>(dx < size ? kernel[c * block + line * size + dx] : 0.0F);
    }
  }
}

}  // namespace

TemplateKernels::TemplateKernels(int device, std::int32_t points, std::int32_t channels,
                                 std::span<const std::int32_t> sizes, std::span<const float* const> kernels)
    : device_(device), points_(points), channels_(channels) {
  if (points < 0 || channels < 1)
    throw Error(ErrorCode::kBadArgument, "Templates have points, and one channel at least.");
  const DeviceScope scope(device);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const int size = sizes[i];
    if (size < 2 || size > kLargestKernel || size % 2 != 0) {
      throw Error(ErrorCode::kBadArgument,
                  "Similarity needs kernels of edge 2, 4, 6 or 8, not " + std::to_string(size) + '.');
    }
    Scale& scale = scales_.emplace_back();
    scale.size = size;
    const std::size_t each = cube(size) * channels;
    scale.plain.upload({kernels[i], each * points}, nullptr);
    if (!can_be_rows(size, channels)) continue;
    const std::size_t each_rearranged = std::size_t{1} * size * size * kTileColumns * channels;
    std::vector<Half> rows(each_rearranged * points);
    for (std::int32_t point = 0; point < points; ++point)
      rearrange(kernels[i] + each * point, channels, size, rows.data() + each_rearranged * point);
    scale.rows.upload(rows, nullptr);
  }
  synchronize(nullptr);
}

}  // namespace medlsam::cuda
