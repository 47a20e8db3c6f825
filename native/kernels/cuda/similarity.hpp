// Multi-scale similarity (algorithm.md part 5.3) on a GPU: from features to peaks, and no map leaves it.
//
// The CPU bounds where a peak can be, so that it computes the finest scale there alone. Here all of the map
// is computed. 132 points with a patch each, width 24, 64³: 3.6 TFLOP, 98 % of them of the finest scale, 15
// ms at 30 % of an H200's 790 TFLOP/s; features in float16 are 7.6 GB, read once, 2 ms at 4 TB/s. The
// networks of these patches are 56 TFLOP, 200 ms at 35 %. A bound would save less than 7 % of both, with
// random weights nothing, and cost a second pass over boxes of any size, which do not fill tiles of tensor
// cores. Where many points share a patch (a lattice), the network is less and this is not: there a bound
// might pay.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cuda/correlate_matrix.hpp"
#include "kernels/cuda/memory.hpp"
#include "kernels/cuda/normalize.hpp"
#include "kernels/cuda/peaks.hpp"
#include "kernels/cuda/template_kernels.hpp"

namespace medlsam::cuda {

struct SearchedScale {
  FeatureMap features;
  int scale = 0;  // of the templates
};

struct SearchedPoint {
  std::int32_t patch = 0;  // of the features
  std::int32_t row = 0;    // of the templates
  Nearness nearness{};
};

struct Peak {
  std::array<std::int32_t, 3> voxel{};  // (z, y, x)
  float value = 0;
};

// Scratch memory of find_peaks: that of eight patches with eight points each at most, however many there are.
struct SimilarityMemory {
  std::array<DeviceArray<float>, kMostScales> planes, correlations;
  std::array<DeviceArray<Half>, kMostScales> rows;
  std::array<DeviceArray<Tap>, kMostScales> taps;
  DeviceArray<std::int32_t> patches;
  DeviceArray<PointPlace> places;
  DeviceArray<Nearness> nearness;
  DeviceArray<Best> partials, best;

  std::size_t bytes() const;
};

// Whether a scale is multiplied in float16 on tensor cores: features of 16 bits, on Ampere or later.
bool uses_tensor_cores(const TemplateKernels& templates, const SearchedScale& scale,
                       const DeviceProperties& device);

// Peaks as medlsam::find_peaks has them, one for each point; waits for them. Throws kBadArgument for
// features, points and templates that do not fit each other.
std::vector<Peak> find_peaks(Stream stream, const DeviceProperties& device, const TemplateKernels& templates,
                             std::span<const SearchedScale> scales, int patch,
                             std::span<const SearchedPoint> points, SimilarityMemory& memory);

// Template kernels of supports: of each patch the central size³ block of features, L2-normalized over the
// channels, as (patches, channels, size³) in device memory.
void support_kernels(Stream stream, const FeatureMap& features, int channels, int size, int patches,
                     float* kernels);

}  // namespace medlsam::cuda
