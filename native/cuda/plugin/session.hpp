// Everything one scan needs on a GPU (plugin_api.hpp has the meaning of each function): its volume, its grid,
// its masks, and the memory between them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cuda/plugin/shared_volumes.hpp"
#include "cuda/plugin_api.hpp"
#include "kernels/cuda/axis_operator.hpp"
#include "kernels/cuda/grid.hpp"
#include "kernels/cuda/mask_room.hpp"
#include "kernels/cuda/masks.hpp"
#include "kernels/cuda/memory_pool.hpp"
#include "kernels/cuda/similarity.hpp"
#include "kernels/cuda/slices.hpp"
#include "kernels/cuda/staging.hpp"

namespace medlsam::cuda {

// A device's stream: given, and then the caller's, or its own.
class SessionStream {
 public:
  SessionStream(int device, Stream given);
  ~SessionStream();
  SessionStream(const SessionStream&) = delete;
  SessionStream& operator=(const SessionStream&) = delete;

  int device() const { return device_; }
  Stream get() const { return stream_; }

 private:
  int device_;
  bool own_;
  Stream stream_;
};

// A wrong call, as opposed to a device that fails: throws kBadArgument.
[[noreturn]] void refuse_call(const std::string& message);

Operator upload_operator(OperatorMemory& memory, const MedlsamCudaOperator& op, Stream stream);

class Session {
 public:
  Session(int device, Stream stream);

  int device() const { return stream_.device(); }
  Stream stream() const { return stream_.get(); }
  std::int64_t memory() const;
  Staging& staging() { return staging_; }
  MemoryPool& tensors() { return tensors_; }
  // Gives back what nobody uses.
  void release_unused() noexcept { tensors_.release_unused(); }

  void load_volume(const MedlsamCudaVolume& volume);
  // The loaded volume, once its copy is done.
  std::shared_ptr<const LoadedVolume> share_volume();
  void use_volume(std::shared_ptr<const LoadedVolume> volume);
  Range stored_range();
  Range resample(std::span<const MedlsamCudaOperator, 3> axes);
  const float* fill_grid(const MedlsamCudaGridLayout& layout);
  void keep_grid();
  void load_grid(const float* values, const Extents& shape);
  void gather_patches(std::span<const std::int64_t> centers, std::int64_t edge, Element type, void* out);

  std::vector<Peak> find_peaks(const TemplateKernels& templates, std::span<const MedlsamCudaFeatures> scales,
                               int patch, std::span<const MedlsamCudaPoint> points);
  void support_kernels(const MedlsamCudaFeatures& features, int channels, int size, int patches,
                       float* kernels);

  void set_slices(const MedlsamCudaSlices& slices);
  void prepare_slices(std::span<const std::int64_t> slices, Element type, void* out);
  void begin_masks(std::int64_t slice);
  std::vector<MaskExtent> decode_masks(const MedlsamCudaLogits& logits);
  std::optional<std::vector<KeptMask>> keep_masks(MaskValues values);
  std::int64_t kept_bytes() const { return room_.used(); }
  void read_masks(std::uint8_t* planes);

 private:
  const LoadedVolume& volume() const;
  const SliceView& slices() const;
  void require_slice(std::int64_t slice) const;

  DeviceProperties properties_;
  SessionStream stream_;  // before the memory that its work uses
  Staging staging_;
  MemoryPool tensors_;

  std::shared_ptr<const LoadedVolume> volume_;

  OperatorMemory operators_[3];
  DeviceArray<float> narrow_, plane_, resampled_, grid_;
  DeviceArray<Range> ranges_;
  Extents resampled_shape_, grid_shape_;
  DeviceArray<std::int64_t> indices_;  // of patches or slices

  SimilarityMemory similarity_;
  DeviceArray<float> support_;

  OperatorMemory resize_operators_[2];
  SliceView view_;
  std::int64_t slice_count_ = 0;
  GrayWindow window_;
  SliceResize resize_;
  float foreground_ = 0;
  bool mask_centers_ = false;
  SliceMemory slice_memory_;
  MaskMemory mask_memory_;
  std::vector<DecodedMask> masks_;  // of masked_slice_, by some calls
  std::int64_t masked_slice_ = -1;
  std::size_t mask_calls_ = 0;
  MaskRoom room_;
};

}  // namespace medlsam::cuda
