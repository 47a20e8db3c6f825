#include "training_data/grid_scan.hpp"

#include <algorithm>
#include <cstring>

#include "checkpoints/safetensors.hpp"

namespace medlsam::training {
namespace {

constexpr const char* kName = "grid";

float half_at(std::span<const std::byte> values, std::int64_t index) {
  std::uint16_t bits;
  std::memcpy(&bits, values.data() + 2 * index, 2);
  return half_to_float(bits);
}

}  // namespace

void write_scan(const std::string& path, const Grid& grid) {
  Index3 shape;
  for (int a = 0; a < 3; ++a) shape[a] = grid.shape[a] - 2 * kGridPadding;
  if (*std::min_element(shape.begin(), shape.end()) < 1) {
    throw Error(ErrorCode::kBadVolume,
                "The scan is thinner than half a voxel of 3 mm: it cannot be trained on.");
  }
  std::vector<std::uint16_t> values;
  values.reserve(static_cast<std::size_t>(shape[0] * shape[1] * shape[2]));
  for (std::int64_t z = 0; z < shape[0]; ++z) {
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      for (std::int64_t x = 0; x < shape[2]; ++x) {
        values.push_back(float_to_half(grid.at({z + kGridPadding, y + kGridPadding, x + kGridPadding})));
      }
    }
  }
  const NamedTensor tensor = {
      kName, {DType::kF16, {shape[0], shape[1], shape[2]}, std::as_bytes(std::span(values))}};
  write_safetensors(path, std::span(&tensor, 1), {{"format", "medlsam training scan 1"}});
}

Scan::Scan(const std::string& path) : file_(open_checkpoint(path)) {
  const auto found = file_.tensors.find(kName);
  if (found == file_.tensors.end() || found->second.dtype != DType::kF16 || found->second.shape.size() != 3 ||
      found->second.elements() == 0) {
    throw Error(ErrorCode::kBadCheckpoint,
                path + ": not a scan prepared for training. Delete it: it is made anew.");
  }
  values_ = found->second.bytes;
  std::copy_n(found->second.shape.begin(), 3, shape_.begin());
}

float Scan::at(const Index3& index) const {
  for (int a = 0; a < 3; ++a) {
    if (index[a] < 0 || index[a] >= shape_[a]) return 0;
  }
  return half_at(values_, (index[0] * shape_[1] + index[1]) * shape_[2] + index[2]);
}

std::vector<float> Scan::block(const Index3& begin, std::int64_t edge) const {
  std::vector<float> values(static_cast<std::size_t>(edge * edge * edge));
  const auto clip = [&](int axis, std::int64_t index) {
    return std::clamp<std::int64_t>(index - begin[axis], 0, edge);
  };
  for (std::int64_t z = clip(0, 0); z < clip(0, shape_[0]); ++z) {
    for (std::int64_t y = clip(1, 0); y < clip(1, shape_[1]); ++y) {
      const std::int64_t row = ((z + begin[0]) * shape_[1] + y + begin[1]) * shape_[2] + begin[2];
      for (std::int64_t x = clip(2, 0); x < clip(2, shape_[2]); ++x) {
        values[static_cast<std::size_t>((z * edge + y) * edge + x)] = half_at(values_, row + x);
      }
    }
  }
  return values;
}

}  // namespace medlsam::training
