#include "cuda/scan/device_scan.hpp"

#include <memory>
#include <string>

#include "base/parallel.hpp"
#include "cuda/library.hpp"
#include "cuda/scan/types.hpp"
#include "localization/grid/spline.hpp"

namespace medlsam::cuda {
namespace {

std::vector<float> as_floats(const Volume& volume, const Task& task) {
  std::vector<float> values(volume.voxels());
  const std::size_t slice = values.size() / volume.shape[0];
  with_stored_values(volume, [&](const auto* stored) {
    parallel_for(task, volume.shape[0], [&](std::size_t z, std::size_t) {
      for (std::size_t i = z * slice; i < (z + 1) * slice; ++i) values[i] = static_cast<float>(stored[i]);
    });
  });
  return values;
}

// A volume of the plugin's.
class SharedVolume : public VolumeOnGpu {
 public:
  SharedVolume(const MedlsamCudaTable& table, int device, void* handle)
      : table_(table), device_(device), handle_(handle) {}
  ~SharedVolume() override { table_.release_volume(handle_); }
  SharedVolume(const SharedVolume&) = delete;
  SharedVolume& operator=(const SharedVolume&) = delete;

  bool is_on(const MedlsamCudaTable& table, int device) const {
    return &table == &table_ && device == device_;
  }
  const void* handle() const { return handle_; }

 private:
  const MedlsamCudaTable& table_;
  const int device_;
  void* const handle_;
};

}  // namespace

DeviceScan::DeviceScan(const MedlsamCudaTable& table, int device, void* stream)
    : table_(table), device_(device) {
  check(table.open_session(device, stream, &session_));
}

DeviceScan::~DeviceScan() {
  if (session_ != nullptr) table_.close_session(session_);
}

void DeviceScan::check(std::int32_t result) const {
  cuda::check(table_, result);
}

void DeviceScan::synchronize() {
  check(table_.synchronize(session_));
}

void DeviceScan::wait_for(void* stream) {
  check(table_.wait_for(session_, stream));
}

void* DeviceScan::allocate(std::size_t bytes) {
  void* memory = nullptr;
  check(table_.allocate(session_, bytes, &memory));
  return memory;
}

void DeviceScan::release(void* memory) noexcept {
  table_.release(session_, memory);
}

void DeviceScan::read(const void* memory, std::span<std::byte> to) const {
  check(table_.to_host(session_, memory, to.size(), to.data()));
}

const Volume& DeviceScan::loaded() const {
  if (volume_ == nullptr) throw Error(ErrorCode::kInternal, "No scan was loaded on the GPU.");
  return *volume_;
}

void DeviceScan::upload(const Volume& volume, const Task& task) {
  volume_ = nullptr;
  MedlsamCudaVolume uploaded{volume.data.data(),
                             volume.dtype == DType::kI16 ? MEDLSAM_CUDA_INT16 : MEDLSAM_CUDA_FLOAT32,
                             {volume.shape[0], volume.shape[1], volume.shape[2]},
                             volume.slope,
                             volume.intercept};
  std::vector<float> values;
  if (volume.dtype != DType::kI16 && volume.dtype != DType::kF32) {
    values = as_floats(volume, task);
    uploaded.values = values.data();
  }
  check(table_.load_volume(session_, &uploaded));
}

// Takes the volume that an earlier scan loaded; false where none did, or it is not there any more.
bool DeviceScan::use_shared(const Volume& volume) {
  const auto there = std::dynamic_pointer_cast<const SharedVolume>(volume.on_gpu.get());
  if (!there || !there->is_on(table_, device_)) return false;
  std::int32_t is_there = 0;
  check(table_.use_volume(session_, there->handle(), &is_there));
  return is_there != 0;
}

void DeviceScan::load(const Volume& volume, const Task& task) {
  grid_values_ = nullptr;
  has_grid_ = false;
  volume_ = nullptr;
  if (!use_shared(volume)) {
    upload(volume, task);
    void* shared = nullptr;
    check(table_.share_volume(session_, &shared));
    volume.on_gpu.set(std::make_shared<const SharedVolume>(table_, device_, shared));
  }
  volume_ = &volume;
}

double DeviceScan::stored_minimum(const Volume& volume) const {
  MedlsamCudaRange stored;
  check(table_.stored_range(session_, &stored));
  const float lowest = volume.slope < 0 ? stored.max : stored.min;
  return volume.intercept + volume.slope * static_cast<double>(lowest);
}

Grid DeviceScan::make_grid(Conventions conventions, bool normalized, const Task& task) {
  const Volume& volume = loaded();
  grid_values_ = nullptr;
  has_grid_ = false;
  const auto rectification = grid_rectification(volume, conventions);
  if (!rectification)
    return upright_grid(volume, conventions, normalized, [&] { return stored_minimum(volume); });
  const double lowest = stored_minimum(volume);
  const Volume upright = rectified(volume, *rectification, task);
  upload(upright, task);
  Grid grid = upright_grid(upright, conventions, normalized, [lowest] { return lowest; });
  grid.rectification = rectification;
  const float* values = grid_values_;
  load(volume, task);
  grid_values_ = values;
  has_grid_ = true;
  return grid;
}

Grid DeviceScan::upright_grid(const Volume& volume, Conventions conventions, bool normalized,
                              const std::function<double()>& stored_minimum) {
  Grid grid = plan_grid(volume, conventions);
  const Index3 shape = resampled_shape(grid);
  std::array<AxisOperator, 3> operators;
  std::array<MedlsamCudaOperator, 3> axes;
  for (int a = 0; a < 3; ++a) {
    operators[a] = cubic_spline(volume.shape[a], shape[a]);
    axes[a] = operator_view(operators[a]);
  }
  MedlsamCudaRange range;
  check(table_.resample(session_, axes.data(), &range));
  MedlsamCudaGridLayout layout{};
  for (int a = 0; a < 3; ++a) {
    layout.stored_axis[a] = grid.orientation.stored_axis[a];
    layout.flipped[a] = grid.orientation.flipped[a];
  }
  layout.padding = kGridPadding;
  if (maps_hu({range.min, range.max, range.finite != 0}, conventions, normalized, stored_minimum)) {
    for (const auto& [place, value] : kHuKnots) {
      layout.place[layout.knots] = place;
      layout.value[layout.knots++] = value;
    }
  }
  check(table_.fill_grid(session_, &layout, &grid_values_));
  has_grid_ = true;
  return grid;
}

void DeviceScan::keep_grid() noexcept {
  volume_ = nullptr;
  masks_.clear();
  table_.keep_grid(session_);
}

void DeviceScan::load_grid(const Grid& grid) {
  grid_values_ = nullptr;
  has_grid_ = false;
  check(table_.load_grid(session_, grid.values.data(), grid.shape.data()));
  has_grid_ = true;
}

void DeviceScan::gather_patches(std::span<const Index3> centers, std::int64_t edge, DType dtype, void* out) {
  if (!has_grid_) throw Error(ErrorCode::kInternal, "The scan has no grid on the GPU.");
  std::vector<std::int64_t> flat;
  for (const Index3& center : centers) flat.insert(flat.end(), center.begin(), center.end());
  check(table_.gather_patches(session_, flat.data(), static_cast<std::int32_t>(centers.size()), edge,
                              type_number(dtype), out));
}

std::vector<SimilarityPeak> DeviceScan::find_peaks(const DeviceTemplates& templates,
                                                   std::span<const DeviceFeatures> scales, int patch,
                                                   std::span<const DevicePoint> points) {
  std::vector<MedlsamCudaFeatures> features;
  for (const DeviceFeatures& from : scales) {
    features.push_back({from.data, type_number(from.dtype), from.edge, from.scale, from.patch_stride,
                        from.channel_stride, from.voxel_stride});
  }
  std::vector<MedlsamCudaPoint> wanted;
  for (const DevicePoint& point : points) {
    const auto& [from, fall] = point.nearness;
    wanted.push_back({point.patch, point.index, {from[0], from[1], from[2]}, fall});
  }
  std::vector<MedlsamCudaPeak> found(points.size());
  check(table_.find_peaks(session_, templates.handle(), features.data(),
                          static_cast<std::int32_t>(features.size()), patch, wanted.data(),
                          static_cast<std::int32_t>(wanted.size()), found.data()));
  std::vector<SimilarityPeak> peaks;
  for (const MedlsamCudaPeak& peak : found)
    peaks.push_back({{peak.voxel[0], peak.voxel[1], peak.voxel[2]}, peak.value});
  return peaks;
}

std::vector<float> DeviceScan::support_kernels(const DeviceFeatures& features, int channels, int size,
                                               int patches) {
  const MedlsamCudaFeatures from{features.data,        type_number(features.dtype), features.edge,
                                 features.scale,       features.patch_stride,       features.channel_stride,
                                 features.voxel_stride};
  std::vector<float> kernels(std::size_t{1} * patches * channels * size * size * size);
  check(table_.support_kernels(session_, &from, channels, size, patches, kernels.data()));
  return kernels;
}

}  // namespace medlsam::cuda
