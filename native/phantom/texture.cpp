#include "phantom/texture.hpp"

#include "phantom/random.hpp"

namespace medlsam::phantom {
namespace {

constexpr int kEdge = 32;

}  // namespace

Texture::Texture(std::uint32_t key) : cells_(kEdge * kEdge * kEdge) {
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    cells_[i] = 2 * unit(lowbias32(key + lowbias32(static_cast<std::uint32_t>(i)))) - 1;
  }
}

void Texture::sample(const RowPoints& points, float cell, Lane& values) const {
  constexpr float kPositive = 1024 * kEdge;  // makes every coordinate of a body positive
  const float scale = 1 / cell;
  for (int i = 0; i < points.count; ++i) {
    const float px = points.x.at[i] * scale + kPositive, py = points.y.at[i] * scale + kPositive,
                pz = points.z.at[i] * scale + kPositive;
    const int x = static_cast<int>(px), y = static_cast<int>(py), z = static_cast<int>(pz);
    const float tx = px - static_cast<float>(x), ty = py - static_cast<float>(y),
                tz = pz - static_cast<float>(z);
    const int x0 = x % kEdge, x1 = (x + 1) % kEdge;
    const auto along_x = [&](int row_y, int row_z) {
      const float* row = &cells_[static_cast<std::size_t>((row_z % kEdge * kEdge + row_y % kEdge) * kEdge)];
      return row[x0] + tx * (row[x1] - row[x0]);
    };
    const float near = along_x(y, z), near_up = along_x(y + 1, z);
    const float far = along_x(y, z + 1), far_up = along_x(y + 1, z + 1);
    const float low = near + ty * (near_up - near), high = far + ty * (far_up - far);
    values.at[i] = low + tz * (high - low);
  }
}

}  // namespace medlsam::phantom
