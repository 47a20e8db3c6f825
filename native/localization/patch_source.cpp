#include "localization/patch_source.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "localization/similarity/similarity.hpp"

namespace medlsam {
namespace {

// Points that are searched together where many share a patch: each takes 15 MB of scratch memory at edge 64.
constexpr std::size_t kPointsAtOnce = 8;

std::mutex registry_mutex;
OpenGpuPatches open_gpu_patches;

// The first points that are in the same patch, as many as are searched together.
std::span<const PatchPoint> first_of_patch(std::span<const PatchPoint> points) {
  const int patch = points.front().patch;
  const auto other =
      std::ranges::find_if(points, [&](const PatchPoint& each) { return each.patch != patch; });
  const auto count = static_cast<std::size_t>(other - points.begin());
  return points.first(std::min(count, kPointsAtOnce));
}

}  // namespace

Tensor HostPatches::patches(std::span<const Index3> centers, std::int64_t edge) {
  const auto voxels = static_cast<std::size_t>(edge * edge * edge);
  std::vector<float> values(centers.size() * voxels);
  for (std::size_t i = 0; i < centers.size(); ++i) copy_patch(grid_, centers[i], edge, &values[i * voxels]);
  return Tensor::on_host(std::move(values), {static_cast<std::int64_t>(centers.size()), 1, edge, edge, edge});
}

std::vector<SimilarityPeak> HostPatches::find_peaks(std::span<const Tensor> outputs,
                                                    const Templates& templates,
                                                    const std::array<bool, kScales>& scales, int edge,
                                                    std::span<const PatchPoint> points, const Task& task) {
  std::vector<SimilarityPeak> peaks;
  std::vector<Tensor> of_patch;
  int patch = -1;
  while (!points.empty()) {
    const auto some = first_of_patch(points);
    points = points.subspan(some.size());
    if (some.front().patch != patch) {
      patch = some.front().patch;
      of_patch.clear();
      for (const Tensor& output : outputs) of_patch.push_back(output.slice(patch, patch + 1).to_host());
    }
    const auto found = find_in_patch(of_patch, templates, scales, edge, some, task);
    peaks.insert(peaks.end(), found.begin(), found.end());
  }
  return peaks;
}

std::vector<SimilarityPeak> HostPatches::find_in_patch(std::span<const Tensor> outputs,
                                                       const Templates& templates,
                                                       const std::array<bool, kScales>& scales, int edge,
                                                       std::span<const PatchPoint> points, const Task& task) {
  std::vector<SimilarityScale> searched;
  for (int k = 0; k < kScales; ++k) {
    if (!scales[k]) continue;
    searched.push_back(
        {outputs[k + 1].floats(), read_kernels(templates, points, k), edge >> (2 - k), kKernelSize[k]});
  }
  std::vector<Nearness> wanted;
  for (const PatchPoint& point : points) wanted.push_back(point.nearness);
  return medlsam::find_peaks(searched, templates.channels(), edge, wanted, scratch_, task);
}

std::vector<const float*> HostPatches::read_kernels(const Templates& templates,
                                                    std::span<const PatchPoint> points, int scale) {
  const std::size_t elements = templates.kernel_elements(scale);
  kernels_[scale].resize(points.size() * elements);
  std::vector<const float*> kernels;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto kernel = std::span(kernels_[scale]).subspan(i * elements, elements);
    templates.kernel(points[i].index, scale, kernel);
    kernels.push_back(kernel.data());
  }
  return kernels;
}

std::array<std::vector<float>, kScales> HostPatches::support_kernels(std::span<const Tensor> outputs,
                                                                     const Task& task) {
  std::array<std::vector<float>, kScales> kernels;
  for (int k = 0; k < kScales; ++k) {
    const Tensor& output = outputs[k + 1];  // (patches, channels, edge, edge, edge)
    const std::int64_t patches = output.shape().at(0);
    const auto channels = static_cast<int>(output.shape().at(1)),
               edge = static_cast<int>(output.shape().at(2));
    const int size = kKernelSize[k];
    const std::size_t elements = std::size_t{1} * channels * size * size * size;
    kernels[k].resize(patches * elements);
    for (std::int64_t patch = 0; patch < patches; ++patch) {
      task.check();
      const Tensor own = output.slice(patch, patch + 1).to_host();
      add_template_kernel(own.floats(), channels, edge, size,
                          std::span(kernels[k]).subspan(patch * elements, elements));
    }
  }
  return kernels;
}

void register_gpu_patches(OpenGpuPatches open) {
  const std::lock_guard lock(registry_mutex);
  open_gpu_patches = std::move(open);
}

std::unique_ptr<PatchSource> open_patches(const Grid& grid, Device device) {
  OpenGpuPatches open;
  {
    const std::lock_guard lock(registry_mutex);
    open = open_gpu_patches;
  }
  if (!device.is_cpu() && open) {
    if (auto source = open(grid, device)) return source;
  }
  return std::make_unique<HostPatches>(grid);
}

}  // namespace medlsam
