#include "cuda/plugin/session.hpp"

#include <string>
#include <utility>

#include "base/error.hpp"
#include "cuda/plugin/devices.hpp"

namespace medlsam::cuda {

void refuse_call(const std::string& message) {
  throw Error(ErrorCode::kBadArgument, message);
}

Operator upload_operator(OperatorMemory& memory, const MedlsamCudaOperator& op, Stream stream) {
  const std::size_t rows = op.rows;
  return memory.upload({op.first, rows}, {op.begin, rows + 1},
                       {op.weights, static_cast<std::size_t>(op.begin[rows])}, stream);
}
SessionStream::SessionStream(int device, Stream given) : device_(device), own_(given == nullptr) {
  const DeviceScope scope(device);
  stream_ = own_ ? create_stream() : given;
}

SessionStream::~SessionStream() {
  if (own_) destroy_stream(stream_);
}

Session::Session(int device, Stream stream) : properties_(require_device(device)), stream_(device, stream) {}

std::int64_t Session::memory() const {
  std::size_t sum = (volume_ ? volume_->memory.bytes() : 0) + narrow_.bytes() + plane_.bytes() +
                    resampled_.bytes() + grid_.bytes() + ranges_.bytes() + indices_.bytes() +
                    similarity_.bytes() + support_.bytes() + slice_memory_.bytes() + mask_memory_.bytes() +
                    room_.bytes() + tensors_.bytes();
  for (const OperatorMemory& memory : operators_) sum += memory.bytes();
  for (const OperatorMemory& memory : resize_operators_) sum += memory.bytes();
  return static_cast<std::int64_t>(sum);
}

void Session::load_volume(const MedlsamCudaVolume& volume) {
  const Extents shape{volume.shape[0], volume.shape[1], volume.shape[2]};
  if (shape.z < 1 || shape.y < 1 || shape.x < 1) refuse_call("A volume on a GPU has one voxel at least.");
  const auto type = static_cast<Element>(volume.type);
  std::size_t bytes = 0;
  with_stored(type, [&]<class T>(T) { bytes = shape.voxels() * sizeof(T); });
  use_volume(nullptr);
  const auto loaded = std::make_shared<LoadedVolume>();
  std::byte* stored = loaded->memory.at_least(bytes);
  staging_.upload(stored, volume.values, bytes, stream());
  loaded->device = device();
  loaded->values = {stored, type, volume.slope, volume.intercept};
  loaded->shape = shape;
  volume_ = loaded;
}

std::shared_ptr<const LoadedVolume> Session::share_volume() {
  volume();
  synchronize(stream());
  return volume_;
}

void Session::use_volume(std::shared_ptr<const LoadedVolume> volume) {
  if (volume && volume->device != device()) refuse_call("The volume is on another GPU than the session.");
  volume_ = std::move(volume);
  resampled_shape_ = {};
  slice_count_ = 0;
  masks_.clear();
}

const LoadedVolume& Session::volume() const {
  if (!volume_) refuse_call("The session has no volume.");
  return *volume_;
}

Range Session::stored_range() {
  const StoredValues& stored = volume().values;
  return value_range(stream(), stored.values, stored.type, volume().shape.voxels(), ranges_);
}

// Along y, x and z: each shortens what the next one has to read, and y reads neighboring voxels x together.
Range Session::resample(std::span<const MedlsamCudaOperator, 3> axes) {
  const auto [nz, ny, nx] = volume().shape;
  const std::int64_t oz = axes[0].rows, oy = axes[1].rows, ox = axes[2].rows;
  const Operator along_y = upload_operator(operators_[1], axes[1], stream());
  const Operator along_x = upload_operator(operators_[2], axes[2], stream());
  const Operator along_z = upload_operator(operators_[0], axes[0], stream());
  float* narrow = narrow_.at_least(nz * oy * nx);
  float* plane = plane_.at_least(nz * oy * ox);
  float* resampled = resampled_.at_least(oz * oy * ox);
  apply_operator(stream(), along_y, volume().values, {nz, ny, nx}, narrow);
  apply_operator(stream(), along_x, narrow, {nz * oy, nx, 1}, plane);
  apply_operator(stream(), along_z, plane, {1, nz, oy * ox}, resampled);
  resampled_shape_ = {oz, oy, ox};
  return value_range(stream(), resampled, Element::kFloat32, resampled_shape_.voxels(), ranges_);
}

const float* Session::fill_grid(const MedlsamCudaGridLayout& layout) {
  const std::int64_t extents[3] = {resampled_shape_.z, resampled_shape_.y, resampled_shape_.x};
  if (extents[0] == 0) refuse_call("The session's volume is not resampled.");
  if (layout.knots < 0 || layout.knots > ValueMap::kMostKnots)
    refuse_call("A map of values has at most 8 knots.");
  const std::int64_t strides[3] = {extents[1] * extents[2], extents[2], 1};
  std::int64_t shape[3], step[3], origin = 0;
  for (int a = 0; a < 3; ++a) {
    const std::int32_t axis = layout.stored_axis[a];
    if (axis < 0 || axis > 2) refuse_call("A volume has the stored axes 0, 1 and 2.");
    shape[a] = extents[axis] + 2 * layout.padding;
    step[a] = layout.flipped[a] != 0 ? -strides[axis] : strides[axis];
    if (layout.flipped[a] != 0) origin += (extents[axis] - 1) * strides[axis];
  }
  GridPlacement placement{{shape[0], shape[1], shape[2]}, layout.padding, origin, step[0], step[1], step[2]};
  ValueMap map;
  map.knots = layout.knots;
  for (int k = 0; k < layout.knots; ++k) {
    map.place[k] = layout.place[k];
    map.value[k] = layout.value[k];
  }
  float* grid = grid_.at_least(placement.shape.voxels());
  cuda::fill_grid(stream(), resampled_.data(), placement, map, grid);
  grid_shape_ = placement.shape;
  return grid;
}

void Session::keep_grid() {
  use_volume(nullptr);
  for (DeviceArray<float>* each : {&narrow_, &plane_, &resampled_, &support_}) each->free();
  for (OperatorMemory& memory : operators_) memory = {};
  for (OperatorMemory& memory : resize_operators_) memory = {};
  similarity_ = {};
  slice_memory_ = {};
  mask_memory_ = {};
  room_ = {};
  tensors_.release_unused();
}

void Session::load_grid(const float* values, const Extents& shape) {
  if (shape.z < 1 || shape.y < 1 || shape.x < 1) refuse_call("A grid on a GPU has one voxel at least.");
  grid_shape_ = {};
  const std::size_t voxels = shape.voxels();
  staging_.upload(grid_.at_least(voxels), values, voxels * sizeof(float), stream());
  grid_shape_ = shape;
}

void Session::gather_patches(std::span<const std::int64_t> centers, std::int64_t edge, Element type,
                             void* out) {
  if (grid_shape_.z == 0) refuse_call("The session has no grid.");
  if (edge < 1 || edge > 512) refuse_call("A patch has an edge of 1 to 512 voxels.");
  cuda::gather_patches(stream(), grid_.data(), grid_shape_, indices_.upload(centers, stream()),
                       static_cast<std::int64_t>(centers.size()) / 3, edge, type, out);
}

std::vector<Peak> Session::find_peaks(const TemplateKernels& templates,
                                      std::span<const MedlsamCudaFeatures> scales, int patch,
                                      std::span<const MedlsamCudaPoint> points) {
  if (templates.device() != device()) refuse_call("The templates are on another GPU than the session.");
  std::vector<SearchedScale> searched;
  for (const MedlsamCudaFeatures& from : scales) {
    searched.push_back({{from.data, static_cast<Element>(from.type), from.edge, from.patch_stride,
                         from.channel_stride, from.voxel_stride},
                        from.scale});
  }
  std::vector<SearchedPoint> wanted;
  for (const MedlsamCudaPoint& point : points) {
    wanted.push_back(
        {point.patch, point.row, {{point.start[0], point.start[1], point.start[2]}, point.fall}});
  }
  return cuda::find_peaks(stream(), properties_, templates, searched, patch, wanted, similarity_);
}

void Session::support_kernels(const MedlsamCudaFeatures& features, int channels, int size, int patches,
                              float* kernels) {
  const std::size_t count = std::size_t{1} * patches * channels * size * size * size;
  float* found = support_.at_least(count);
  cuda::support_kernels(stream(),
                        {features.data, static_cast<Element>(features.type), features.edge,
                         features.patch_stride, features.channel_stride, features.voxel_stride},
                        channels, size, patches, found);
  staging_.download(kernels, found, count * sizeof(float), stream());
}

}  // namespace medlsam::cuda
