#include "cuda/scan/gpu_sources.hpp"

#include <optional>
#include <utility>

#include "base/error.hpp"
#include "cuda/scan/device_scan.hpp"

namespace medlsam::cuda {
namespace {

// Memory of a scan's GPU, in the order of the scan's stream.
class ScanStorage : public Storage {
 public:
  ScanStorage(std::shared_ptr<DeviceScan> scan, Device device, std::size_t bytes)
      : scan_(std::move(scan)), device_(device), data_(scan_->allocate(bytes)) {}
  ~ScanStorage() override { scan_->release(data_); }
  ScanStorage(const ScanStorage&) = delete;
  ScanStorage& operator=(const ScanStorage&) = delete;

  Device device() const override { return device_; }
  const std::byte* host() const override { return nullptr; }
  const std::byte* address() const override { return static_cast<const std::byte*>(data_); }
  void* stream() const override { return scan_->stream(); }
  void read(std::size_t offset, std::span<std::byte> to) const override {
    scan_->read(address() + offset, to);
  }
  void* data() const { return data_; }

 private:
  std::shared_ptr<DeviceScan> scan_;
  Device device_;
  void* data_;
};

// Networks compute in their own precision, of which float32 is always one.
std::shared_ptr<ScanStorage> make_storage(const std::shared_ptr<DeviceScan>& scan, Device gpu,
                                          const Shape& shape) {
  return std::make_shared<ScanStorage>(scan, gpu, shape_elements(shape) * sizeof(float));
}

class GpuPatches : public PatchSource {
 public:
  GpuPatches(const MedlsamCudaTable& table, const Grid& grid, Device gpu)
      : table_(table),
        gpu_(gpu.first()),
        host_(grid),
        scan_(std::make_shared<DeviceScan>(table, gpu_.index)) {
    scan_->load_grid(grid);
  }

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
      const Tensor& output = outputs[k + 1];
      if (output.device() != gpu_) return host_.find_peaks(outputs, templates, scales, edge, points, task);
      scan_->wait_for(output.stream());
      const Shape& shape = output.shape();  // (patches, channels, edge, edge, edge)
      const std::int64_t voxels = shape.at(2) * shape.at(3) * shape.at(4);
      features.push_back(
          {output.address(), output.dtype(), k, static_cast<int>(shape[2]), shape[1] * voxels, voxels, 1});
    }
    std::vector<DevicePoint> wanted;
    for (const PatchPoint& point : points) wanted.push_back({point.patch, point.index, point.nearness});
    if (templates_of_ != &templates) {
      templates_.emplace(table_, gpu_.index, templates);
      templates_of_ = &templates;
    }
    return scan_->find_peaks(*templates_, features, edge, wanted);
  }

 private:
  const MedlsamCudaTable& table_;
  const Device gpu_;
  HostPatches host_;
  std::shared_ptr<DeviceScan> scan_;
  std::optional<DeviceTemplates> templates_;
  const Templates* templates_of_ = nullptr;
};

class GpuSlices : public SliceSource {
 public:
  GpuSlices(const MedlsamCudaTable& table, const SlicedScan& scan, Device gpu, const Task& task)
      : sliced_(scan), gpu_(gpu.first()), scan_(std::make_shared<DeviceScan>(table, gpu_.index)) {
    scan_->load(*scan.volume, task);
    scan_->set_slices(scan.layout, scan_->slice_window(scan.conventions), scan.edge);
  }

  Tensor picture(std::int64_t slice, const Task& task) override {
    task.check();
    const Shape shape = {1, 1, sliced_.edge, sliced_.edge};
    const auto storage = make_storage(scan_, gpu_, shape);
    scan_->prepare_slices(std::span(&slice, 1), DType::kF32, storage->data());
    return {DType::kF32, shape, storage};
  }

  std::vector<SliceMask> masks(std::int64_t slice, const SamMasks& found, const Task& task) override {
    const auto& [logits, ious] = found;
    const bool is_here = logits.device() == gpu_ && ious.device() == gpu_ && logits.dtype() == ious.dtype();
    if (!is_here) {
      if (!host_) host_.emplace(sliced_, task);
      return host_->masks(slice, found, task);
    }
    scan_->wait_for(logits.stream());
    scan_->wait_for(ious.stream());
    const Shape& shape = logits.shape();  // (prompts, each, edge, edge)
    std::vector<SliceMask> masks;
    for (DeviceMask& mask : scan_->decode_masks(
             slice, {logits.address(), ious.address(), logits.dtype(), static_cast<int>(shape.at(0)),
                     static_cast<int>(shape.at(1)), static_cast<int>(shape.at(2))}))
      masks.push_back(std::move(mask.mask));
    return masks;
  }

  bool is_concurrent() const override { return false; }

 private:
  const SlicedScan sliced_;
  const Device gpu_;
  std::shared_ptr<DeviceScan> scan_;
  std::optional<HostSlices> host_;  // made when logits first come from the host
};

// Calls open; null where the plugin cannot use the GPU.
template <class Open>
auto unless_unavailable(Open&& open) -> decltype(open()) {
  try {
    return open();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kRuntimeUnavailable) throw;
    return nullptr;
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
  register_gpu_patches([&table](const Grid& grid, Device gpu) {
    return unless_unavailable([&] { return open_gpu_patches(table, grid, gpu); });
  });
  register_gpu_slices([&table](const SlicedScan& scan, Device gpu, const Task& task) {
    return unless_unavailable([&] { return open_gpu_slices(table, scan, gpu, task); });
  });
}

}  // namespace medlsam::cuda
