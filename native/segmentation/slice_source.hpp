// A scan's slices as the network's device has them: where pictures are made, and logits become masks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/conventions.hpp"
#include "networks/sam_model.hpp"
#include "segmentation/masks/decode.hpp"
#include "segmentation/masks/scan_masks.hpp"
#include "segmentation/slices/resize.hpp"
#include "segmentation/slices/window.hpp"

namespace medlsam {

// The volume that is cut into slices, and the edges of the network's pictures and logits.
struct SlicedScan {
  const Volume* volume = nullptr;  // outlives the source
  SliceLayout layout;
  Conventions conventions{};
  std::int64_t edge = 0, logits_edge = 0;
  MaskSampling sampling = MaskSampling::kCorners;
  MaskLevels levels = MaskLevels::kAll;  // that a GPU must bring down
};

class SliceSource {
 public:
  virtual ~SliceSource() = default;

  // The slice as SAM sees it, (1, 1, edge, edge), whole numbers 0 … 255 (part 6.1).
  virtual Tensor picture(std::int64_t slice, const Task& task) = 0;

  // Makes the best mask of each prompt on the slice (part 6.4), by the predicted IoUs, that of prompt i for
  // masks.organs[organs[i]]. Several calls may be for one slice; `finish` ends it. Masks of finished slices
  // are there after `deliver`, and may be before.
  virtual void decode(std::int64_t slice, const SamMasks& found, std::span<const std::size_t> organs,
                      ScanMasks& masks, const Task& task) = 0;
  virtual void finish(std::int64_t slice, ScanMasks& masks, const Task& task) = 0;
  virtual void deliver(ScanMasks& masks, const Task& task) = 0;

  // Whether one thread may ask for a picture while another asks for masks. Where not, the device does one
  // while the host waits for the other.
  virtual bool is_concurrent() const = 0;
};

// On the CPU. Logits that are elsewhere are copied to the host. Several threads may decode at once.
class HostSlices : public SliceSource {
 public:
  HostSlices(const SlicedScan& scan, const Task& task);

  Tensor picture(std::int64_t slice, const Task& task) override;
  void decode(std::int64_t slice, const SamMasks& found, std::span<const std::size_t> organs,
              ScanMasks& masks, const Task& task) override;
  void finish(std::int64_t, ScanMasks&, const Task&) override {}
  void deliver(ScanMasks&, const Task&) override {}
  bool is_concurrent() const override { return true; }

 private:
  const SlicedScan scan_;
  const Window window_;
  SliceResizer resizer_;
  const MaskDecoder decoder_;
};

// A source on GPUs; null where a GPU cannot be used in this way.
using OpenGpuSlices =
    std::function<std::unique_ptr<SliceSource>(const SlicedScan& scan, Device gpu, const Task& task)>;

// Makes open_slices use the GPU of networks that compute on one. What is not registered is done on the host.
void register_gpu_slices(OpenGpuSlices open);

// For a network that computes on this device.
std::unique_ptr<SliceSource> open_slices(const SlicedScan& scan, Device device, const Task& task);

}  // namespace medlsam
