// Augmented copies of crops, with a map of where every voxel's content lies in the scan (algorithm.md part
// 8).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "training_data/random.hpp"

namespace medlsam::training {

// Mean of three sigmoids of slope 10 with these centres: a smooth map of intensities.
using Remap = std::array<float, 3>;
float remap(const Remap& centers, float value);

// Maps a voxel of the augmented crop to the place of its content in the crop: the elastic displacement first,
// then the affine map about the crop's centre.
struct Deformation {
  std::array<float, 9> affine = {1, 0, 0, 0, 1, 0, 0, 0, 1};  // rows and columns (z, y, x)
  // Displacements of 5³ control points in voxels, (axis, z, y, x): a cubic B-spline over the crop.
  std::optional<std::vector<float>> elastic;
};

inline constexpr int kControlPoints = 5;

// Each of its parts is drawn with probability ½: scales ±10 % and angles ±15° for each axis, displacements of
// at most 3 voxels.
Deformation draw_deformation(Random& random);

struct Augmented {
  std::vector<float> values;     // (edge, edge, edge)
  std::vector<float> positions;  // (3, edge, edge, edge), in voxels of the crop
};

// The middle edge³ of the deformed crop, crop_edge³ values, by trilinear interpolation, 0 outside the crop.
Augmented deform(const std::vector<float>& crop, std::int64_t crop_edge, std::int64_t edge,
                 const Deformation& deformation);

// Remaps intensities, adds noise of a deviation up to 0.2, deforms; each with probability ½.
Augmented augment(std::vector<float> crop, std::int64_t crop_edge, std::int64_t edge, Random& random);

// Consumes the same random numbers and returns zeros.
Augmented skip_augmentation(std::int64_t crop_edge, std::int64_t edge, Random& random);

}  // namespace medlsam::training
