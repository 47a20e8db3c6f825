#include "segmentation/slice_source.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/parallel.hpp"

namespace medlsam {
namespace {

std::mutex registry_mutex;
OpenGpuSlices open_gpu_slices;

}  // namespace

HostSlices::HostSlices(const SlicedScan& scan, const Task& task)
    : scan_(scan),
      window_(slice_window(*scan.volume, scan.conventions, task)),
      resizer_(scan.layout.height, scan.layout.width, scan.edge),
      decoder_(scan.logits_edge, scan.edge, scan.layout.height, scan.layout.width, scan.sampling) {}

Tensor HostSlices::picture(std::int64_t slice, const Task&) {
  std::vector<std::uint8_t> cut(scan_.layout.pixels()), resized(scan_.edge * scan_.edge);
  window_slice(*scan_.volume, scan_.layout, slice, window_, cut);
  resizer_.resize(cut, resized);
  return Tensor::on_host(std::vector<float>(resized.begin(), resized.end()), {1, 1, scan_.edge, scan_.edge});
}

void HostSlices::decode(std::int64_t slice, const SamMasks& found, std::span<const std::size_t> organs,
                        ScanMasks& masks, const Task& task) {
  const Tensor logits = found.logits.to_host(), ious = found.ious.to_host();
  const std::int64_t each = ious.shape()[1];
  const auto pixels = static_cast<std::size_t>(logits.shape()[2] * logits.shape()[3]);
  parallel_for(task, organs.size(), [&](std::size_t i, std::size_t) {
    const float* own = ious.floats() + static_cast<std::int64_t>(i) * each;
    const std::int64_t best = std::max_element(own, own + each) - own;
    const std::size_t mask = i * static_cast<std::size_t>(each) + static_cast<std::size_t>(best);
    std::vector<float> probabilities(scan_.layout.pixels());
    decoder_.decode({logits.floats() + mask * pixels, pixels}, probabilities);
    masks.organs.at(organs[i]).slices[slice] =
        crop_mask(probabilities, scan_.layout.height, scan_.layout.width);
  });
}

void register_gpu_slices(OpenGpuSlices open) {
  const std::lock_guard lock(registry_mutex);
  open_gpu_slices = std::move(open);
}

std::unique_ptr<SliceSource> open_slices(const SlicedScan& scan, Device device, const Task& task) {
  OpenGpuSlices open;
  {
    const std::lock_guard lock(registry_mutex);
    open = open_gpu_slices;
  }
  if (!device.is_cpu() && open) {
    if (auto source = open(scan, device, task)) return source;
  }
  return std::make_unique<HostSlices>(scan, task);
}

}  // namespace medlsam
