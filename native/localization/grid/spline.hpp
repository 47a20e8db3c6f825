// Cubic B-spline resampling, equal to scipy.ndimage.zoom(order=3, mode="constant") (algorithm.md part 1.2).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/task.hpp"
#include "kernels/axis_operator.hpp"
#include "volumes/values.hpp"

namespace medlsam {

// Output length along one axis: round(length · zoom), half to even. Throws kBadVolume if that is 0.
std::int64_t resampled_length(std::int64_t length, double zoom);

// Corner-aligned cubic spline from `input` to `output` samples: out o lies at o·(input−1)/(output−1).
// Prefilter and sampling along one axis are linear, so together they are a matrix. Its rows decay by 0.27 per
// voxel away from the sampled place, so that about thirty weights suffice.
AxisOperator cubic_spline(std::int64_t input, std::int64_t output);

// Resamples `volume` (scaled by its slope and intercept) to `shape` (z, y, x), slice by slice: besides the
// result it holds shape.y · shape.x floats for every input slice and one input slice for each thread. The
// result is in stored axis order, (z, x, y) with y fastest, because the caller permutes it anyway.
std::vector<float> resample_spline_zxy(const Volume& volume, const Index3& shape, const Task& task);

// The same to the lengths that `zoom` (z, y, x) gives, as an array (z, y, x).
Shaped<double> resample_spline(const Volume& volume, const std::array<double, 3>& zoom, const Task& task);

}  // namespace medlsam
