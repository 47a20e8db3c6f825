#include "training_data/augment.hpp"

#include <cmath>
#include <cstddef>
#include <utility>

namespace medlsam::training {
namespace {

constexpr double kChance = 0.5;
constexpr float kNoise = 0.2f, kScale = 0.1f, kDegrees = 15.0f, kDisplacement = 3.0f;

using Matrix = std::array<float, 9>;

Matrix multiply(const Matrix& a, const Matrix& b) {
  Matrix product{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 3; ++k) product[3 * i + j] += a[3 * i + k] * b[3 * k + j];
    }
  }
  return product;
}

Matrix rotation(std::size_t axis, float angle) {
  const std::size_t i = (axis + 1) % 3, j = (axis + 2) % 3;
  Matrix matrix{};
  matrix[4 * axis] = 1;
  matrix[4 * i] = matrix[4 * j] = std::cos(angle);
  matrix[3 * i + j] = -std::sin(angle);
  matrix[3 * j + i] = std::sin(angle);
  return matrix;
}

// For each index of an axis the first of four control points and their weights: a uniform cubic B-spline
// whose cells cover the axis.
struct SplineRow {
  std::size_t first;
  std::array<float, 4> weights;
};

std::vector<SplineRow> spline_rows(std::int64_t length) {
  constexpr int kCells = kControlPoints - 3;
  std::vector<SplineRow> rows;
  for (std::int64_t i = 0; i < length; ++i) {
    const float at = static_cast<float>(i) / static_cast<float>(length) * kCells;
    const float cell = std::floor(at), t = at - cell, s = 1 - t;
    rows.push_back({static_cast<std::size_t>(cell),
                    {s * s * s / 6, (3 * t * t * t - 6 * t * t + 4) / 6, (3 * s * s * s - 6 * s * s + 4) / 6,
                     t * t * t / 6}});
  }
  return rows;
}

// Adds up the axes one after another: control points are few, voxels are many.
class Elastic {
 public:
  Elastic(const std::vector<float>& points, std::int64_t length)
      : points_(points), rows_(spline_rows(length)) {}

  void select_plane(std::int64_t z) {
    const SplineRow& row = rows_[static_cast<std::size_t>(z)];
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (std::size_t i = 0; i < kSquare; ++i) {
        plane_[axis][i] = 0;
        for (std::size_t k = 0; k < 4; ++k)
          plane_[axis][i] += row.weights[k] * points_[(axis * kControlPoints + row.first + k) * kSquare + i];
      }
    }
  }
  void select_line(std::int64_t y) {
    const SplineRow& row = rows_[static_cast<std::size_t>(y)];
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (std::size_t i = 0; i < kControlPoints; ++i) {
        line_[axis][i] = 0;
        for (std::size_t k = 0; k < 4; ++k)
          line_[axis][i] += row.weights[k] * plane_[axis][(row.first + k) * kControlPoints + i];
      }
    }
  }
  float at(std::size_t axis, std::int64_t x) const {
    const SplineRow& row = rows_[static_cast<std::size_t>(x)];
    float sum = 0;
    for (std::size_t k = 0; k < 4; ++k) sum += row.weights[k] * line_[axis][row.first + k];
    return sum;
  }

 private:
  static constexpr std::size_t kSquare = kControlPoints * kControlPoints;
  const std::vector<float>& points_;
  std::vector<SplineRow> rows_;
  std::array<std::array<float, kSquare>, 3> plane_{};
  std::array<std::array<float, kControlPoints>, 3> line_{};
};

// Trilinear, 0 outside.
float sample(const std::vector<float>& crop, std::int64_t edge, const std::array<float, 3>& at) {
  std::array<std::int64_t, 3> low;
  std::array<float, 3> part;
  for (std::size_t a = 0; a < 3; ++a) {
    const float floor = std::floor(at[a]);
    low[a] = static_cast<std::int64_t>(floor);
    part[a] = at[a] - floor;
    if (low[a] < -1 || low[a] >= edge) return 0;
  }
  float sum = 0;
  for (unsigned corner = 0; corner < 8; ++corner) {
    std::int64_t index = 0;
    float weight = 1;
    bool inside = true;
    for (std::size_t a = 0; a < 3; ++a) {
      const bool upper = (corner >> a & 1) != 0;
      const std::int64_t i = low[a] + (upper ? 1 : 0);
      inside = inside && i >= 0 && i < edge;
      index = index * edge + i;
      weight *= upper ? part[a] : 1 - part[a];
    }
    if (inside) sum += weight * crop[static_cast<std::size_t>(index)];
  }
  return sum;
}

}  // namespace

float remap(const Remap& centers, float value) {
  float sum = 0;
  for (const float center : centers) sum += 1 / (1 + std::exp(-10 * (value - center)));
  return sum / 3;
}

Deformation draw_deformation(Random& random) {
  Deformation deformation;
  if (random.chance(kChance)) {
    for (std::size_t axis = 0; axis < 3; ++axis)
      deformation.affine[4 * axis] = 1 + random.uniform(-kScale, kScale);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const float angle = random.uniform(-kDegrees, kDegrees) * std::numbers::pi_v<float> / 180;
      deformation.affine = multiply(rotation(axis, angle), deformation.affine);
    }
  }
  if (random.chance(kChance)) {
    auto& points = deformation.elastic.emplace(3 * kControlPoints * kControlPoints * kControlPoints);
    for (float& value : points) value = random.uniform(-kDisplacement, kDisplacement);
  }
  return deformation;
}

Augmented deform(const std::vector<float>& crop, std::int64_t crop_edge, std::int64_t edge,
                 const Deformation& deformation) {
  const std::int64_t margin = (crop_edge - edge) / 2, voxels = edge * edge * edge;
  const float center = static_cast<float>(crop_edge - 1) / 2;
  Augmented result = {std::vector<float>(static_cast<std::size_t>(voxels)),
                      std::vector<float>(static_cast<std::size_t>(3 * voxels))};
  const bool elastic = deformation.elastic.has_value();
  const std::vector<float> none;
  Elastic displacement(elastic ? *deformation.elastic : none, crop_edge);
  const Matrix& m = deformation.affine;
  std::size_t i = 0;
  for (std::int64_t z = margin; z < margin + edge; ++z) {
    if (elastic) displacement.select_plane(z);
    for (std::int64_t y = margin; y < margin + edge; ++y) {
      if (elastic) displacement.select_line(y);
      for (std::int64_t x = margin; x < margin + edge; ++x, ++i) {
        const std::int64_t voxel[3] = {z, y, x};
        std::array<float, 3> from, at;
        for (std::size_t a = 0; a < 3; ++a)
          from[a] = static_cast<float>(voxel[a]) - center + (elastic ? displacement.at(a, x) : 0);
        for (std::size_t a = 0; a < 3; ++a) {
          at[a] = center + m[3 * a] * from[0] + m[3 * a + 1] * from[1] + m[3 * a + 2] * from[2];
          result.positions[a * static_cast<std::size_t>(voxels) + i] = at[a];
        }
        result.values[i] = sample(crop, crop_edge, at);
      }
    }
  }
  return result;
}

Augmented augment(std::vector<float> crop, std::int64_t crop_edge, std::int64_t edge, Random& random) {
  if (random.chance(kChance)) {
    const Remap centers = {random.uniform(0.2f, 0.4f), random.uniform(0.4f, 0.6f),
                           random.uniform(0.6f, 0.8f)};
    for (float& value : crop) value = remap(centers, value);
  }
  if (random.chance(kChance)) {
    const float deviation = random.uniform(0, kNoise);
    for (float& value : crop) value += deviation * random.normal();
  }
  return deform(crop, crop_edge, edge, draw_deformation(random));
}

Augmented skip_augmentation(std::int64_t crop_edge, std::int64_t edge, Random& random) {
  if (random.chance(kChance)) random.skip(3);
  if (random.chance(kChance))
    random.skip(1 + 2 * static_cast<std::uint64_t>(crop_edge * crop_edge * crop_edge));
  draw_deformation(random);
  const auto voxels = static_cast<std::size_t>(edge * edge * edge);
  return {std::vector<float>(voxels), std::vector<float>(3 * voxels)};
}

}  // namespace medlsam::training
