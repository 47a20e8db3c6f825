#include "cuda/scan/gpu_sources.hpp"

#include <optional>
#include <utility>

#include "base/error.hpp"
#include "cuda/scan/device_storage.hpp"
#include "cuda/scan/gpu_grid.hpp"
#include "localization/grid/gpu_grid.hpp"

namespace medlsam::cuda {
namespace {

class GpuPatches : public PatchSource {
 public:
  GpuPatches(const MedlsamCudaTable& table, const Grid& grid, Device gpu)
      : table_(table), gpu_(gpu.first()), host_(grid) {
    const auto made = std::dynamic_pointer_cast<GpuGrid>(grid.on_gpu);
    if (made && made->gpu() == gpu_) scan_ = made->take();
    if (scan_) {
      lender_ = made;
      return;
    }
    scan_ = std::make_shared<DeviceScan>(table, gpu_.index);
    scan_->load_grid(grid);
  }
  ~GpuPatches() override {
    if (!lender_) return;
    scan_->keep_grid();
    lender_->give_back(std::move(scan_));
  }
  GpuPatches(const GpuPatches&) = delete;
  GpuPatches& operator=(const GpuPatches&) = delete;

  Tensor patches(std::span<const Index3> centers, std::int64_t edge) override {
    const Shape shape = {static_cast<std::int64_t>(centers.size()), 1, edge, edge, edge};
    const auto storage = make_storage(scan_, gpu_, shape);
    scan_->gather_patches(centers, edge, DType::kF32, storage->data());
    return {DType::kF32, shape, storage};
  }

  std::vector<SimilarityPeak> find_peaks(std::span<const Tensor> outputs, const Templates& templates,
                                         const std::array<bool, kScales>& scales, int edge,
                                         std::span<const PatchPoint> points, const Task& task) override {
    task.check();
    std::vector<DeviceFeatures> features;
    for (int k = 0; k < kScales; ++k) {
      if (!scales[k]) continue;
      if (outputs[k + 1].device() != gpu_)
        return host_.find_peaks(outputs, templates, scales, edge, points, task);
      features.push_back(features_of(outputs, k));
    }
    std::vector<DevicePoint> wanted;
    for (const PatchPoint& point : points) wanted.push_back({point.patch, point.index, point.nearness});
    if (templates_of_ != &templates) {
      templates_.emplace(table_, gpu_.index, templates);
      templates_of_ = &templates;
    }
    return scan_->find_peaks(*templates_, features, edge, wanted);
  }

  std::array<std::vector<float>, kScales> support_kernels(std::span<const Tensor> outputs,
                                                          const Task& task) override {
    std::array<std::vector<float>, kScales> kernels;
    for (int k = 0; k < kScales; ++k) {
      task.check();
      const Tensor& output = outputs[k + 1];
      if (output.device() != gpu_) return host_.support_kernels(outputs, task);
      kernels[k] = scan_->support_kernels(features_of(outputs, k), static_cast<int>(output.shape().at(1)),
                                          kKernelSize[k], static_cast<int>(output.shape().at(0)));
    }
    return kernels;
  }

 private:
  // A scale's features, after the work that makes them.
  DeviceFeatures features_of(std::span<const Tensor> outputs, int scale) const {
    const Tensor& output = outputs[scale + 1];
    scan_->wait_for(output.stream());
    const Shape& shape = output.shape();  // (patches, channels, edge, edge, edge)
    const std::int64_t voxels = shape.at(2) * shape.at(3) * shape.at(4);
    return {output.address(),  output.dtype(), scale, static_cast<int>(shape[2]),
            shape[1] * voxels, voxels,         1};
  }

  const MedlsamCudaTable& table_;
  const Device gpu_;
  HostPatches host_;
  std::shared_ptr<GpuGrid> lender_;  // null where the scan is this source's own
  std::shared_ptr<DeviceScan> scan_;
  std::optional<DeviceTemplates> templates_;
  const Templates* templates_of_ = nullptr;
};

class GpuSlices : public SliceSource {
 public:
  GpuSlices(const MedlsamCudaTable& table, const SlicedScan& scan, Device gpu, const Task& task)
      : sliced_(scan), gpu_(gpu.first()), scan_(std::make_shared<DeviceScan>(table, gpu_.index)) {
    scan_->load(*scan.volume, task);
    scan_->set_slices(scan.layout, scan_->slice_window(scan.conventions), scan.edge, scan.sampling);
  }

  Tensor picture(std::int64_t slice, const Task& task) override {
    task.check();
    const Shape shape = {1, 1, sliced_.edge, sliced_.edge};
    const auto storage = make_storage(scan_, gpu_, shape);
    scan_->prepare_slices(std::span(&slice, 1), DType::kF32, storage->data());
    return {DType::kF32, shape, storage};
  }

  void decode(std::int64_t slice, const SamMasks& found, std::span<const std::size_t> organs,
              ScanMasks& masks, const Task& task) override {
    const auto& [logits, ious] = found;
    const bool is_here = logits.device() == gpu_ && ious.device() == gpu_ && logits.dtype() == ious.dtype();
    if (!is_here) {
      if (!host_) host_.emplace(sliced_, task);
      return host_->decode(slice, found, organs, masks, task);
    }
    scan_->wait_for(logits.stream());
    scan_->wait_for(ious.stream());
    if (slice_ != slice) {
      scan_->begin_masks(slice);
      slice_ = slice;
    }
    const Shape& shape = logits.shape();  // (prompts, each, edge, edge)
    scan_->decode_masks({logits.address(), ious.address(), logits.dtype(), static_cast<int>(shape.at(0)),
                         static_cast<int>(shape.at(1)), static_cast<int>(shape.at(2))});
    organs_.insert(organs_.end(), organs.begin(), organs.end());
  }

  void finish(std::int64_t slice, ScanMasks& masks, const Task& task) override {
    if (slice_ != slice) return;
    scan_->keep_masks(organs_, sliced_.levels, masks, task);
    organs_.clear();
    slice_ = -1;
  }

  void deliver(ScanMasks& masks, const Task& task) override { scan_->read_masks(masks, task); }

  bool is_concurrent() const override { return false; }

 private:
  const SlicedScan sliced_;
  const Device gpu_;
  std::shared_ptr<DeviceScan> scan_;
  std::optional<HostSlices> host_;   // made when logits first come from the host
  std::int64_t slice_ = -1;          // whose masks the scan has
  std::vector<std::size_t> organs_;  // that they are of
};

// Calls make; nothing where the GPU is not the plugin's to use, is lost or too full: then the host does this
// part of the work, and a network that fails there says why.
template <class Make>
auto unless_gpu_fails(Make&& make) -> decltype(make()) {
  try {
    return make();
  } catch (const Error& error) {
    const bool is_gpus = error.code() == ErrorCode::kRuntimeUnavailable ||
                         error.code() == ErrorCode::kOutOfMemory || error.code() == ErrorCode::kDeviceFailed;
    if (!is_gpus) throw;
    return {};
  }
}

}  // namespace

std::unique_ptr<PatchSource> open_gpu_patches(const MedlsamCudaTable& table, const Grid& grid, Device gpu) {
  return std::make_unique<GpuPatches>(table, grid, gpu);
}

std::unique_ptr<SliceSource> open_gpu_slices(const MedlsamCudaTable& table, const SlicedScan& scan,
                                             Device gpu, const Task& task) {
  return std::make_unique<GpuSlices>(table, scan, gpu, task);
}

void register_gpu_sources(const MedlsamCudaTable& table) {
  register_gpu_grids(
      [&table](const Volume& volume, Conventions conventions, bool normalized, Device gpu, const Task& task) {
        return unless_gpu_fails([&]() -> std::optional<Grid> {
          return make_gpu_grid(table, volume, conventions, normalized, gpu, task);
        });
      });
  register_gpu_patches([&table](const Grid& grid, Device gpu) {
    return unless_gpu_fails([&] { return open_gpu_patches(table, grid, gpu); });
  });
  register_gpu_slices([&table](const SlicedScan& scan, Device gpu, const Task& task) {
    return unless_gpu_fails([&] { return open_gpu_slices(table, scan, gpu, task); });
  });
}

}  // namespace medlsam::cuda
