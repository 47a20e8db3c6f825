// A scan's grid as the network's device has it: where patches are cut out, and where features are searched.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "localization/grid/grid.hpp"
#include "localization/similarity/peaks.hpp"
#include "localization/templates/templates.hpp"

namespace medlsam {

// A template point to be searched in a patch of a batch.
struct PatchPoint {
  int patch = 0;
  std::int32_t index = 0;  // of the template point
  Nearness nearness;       // on the patch's map
};

// One thread at a time calls into one.
class PatchSource {
 public:
  virtual ~PatchSource() = default;

  // Patches around the centers as copy_patch cuts them out, (centers, 1, edge, edge, edge), for the network.
  virtual Tensor patches(std::span<const Index3> centers, std::int64_t edge) = 0;

  // The peaks of the points' similarity maps (part 5.3), of the scales that are set. `outputs`: those of the
  // network for patches of this edge, on whichever device, deep enough for the scales.
  virtual std::vector<SimilarityPeak> find_peaks(std::span<const Tensor> outputs, const Templates& templates,
                                                 const std::array<bool, kScales>& scales, int edge,
                                                 std::span<const PatchPoint> points, const Task& task) = 0;

  // Template kernels of supports (part 4), as add_template_kernel makes them: of each scale (patches,
  // channels, size³). `outputs`: as above, of all scales.
  virtual std::array<std::vector<float>, kScales> support_kernels(std::span<const Tensor> outputs,
                                                                  const Task& task) = 0;
};

// On the CPU. Outputs that are elsewhere are copied to the host.
class HostPatches : public PatchSource {
 public:
  // `grid` outlives this.
  explicit HostPatches(const Grid& grid) : grid_(grid) {}

  Tensor patches(std::span<const Index3> centers, std::int64_t edge) override;
  std::vector<SimilarityPeak> find_peaks(std::span<const Tensor> outputs, const Templates& templates,
                                         const std::array<bool, kScales>& scales, int edge,
                                         std::span<const PatchPoint> points, const Task& task) override;
  std::array<std::vector<float>, kScales> support_kernels(std::span<const Tensor> outputs,
                                                          const Task& task) override;

 private:
  std::vector<SimilarityPeak> find_in_patch(std::span<const Tensor> outputs, const Templates& templates,
                                            const std::array<bool, kScales>& scales, int edge,
                                            std::span<const PatchPoint> points, const Task& task);
  std::vector<const float*> read_kernels(const Templates& templates, std::span<const PatchPoint> points,
                                         int scale);

  const Grid& grid_;
  std::array<std::vector<float>, kScales> kernels_;
  SimilarityScratch scratch_;
};

// A source on GPUs, for as long as the grid lives; null where a GPU cannot be used in this way.
using OpenGpuPatches = std::function<std::unique_ptr<PatchSource>(const Grid& grid, Device gpu)>;

// Makes open_patches use the GPU of networks that compute on one. What is not registered is done on the host.
void register_gpu_patches(OpenGpuPatches open);

// For a network that computes on this device.
std::unique_ptr<PatchSource> open_patches(const Grid& grid, Device device);

}  // namespace medlsam
