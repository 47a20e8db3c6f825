// A scan on a GPU: what the CPU does in localization/grid, localization/similarity and segmentation, with the
// same arguments, decisions and answers. Addresses in device memory may be of anybody's, libtorch's tensors
// among them, if their work is in this scan's stream.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "cuda/plugin_api.hpp"
#include "localization/grid/grid.hpp"
#include "localization/similarity/peaks.hpp"
#include "localization/templates/templates.hpp"
#include "segmentation/masks/decode.hpp"
#include "segmentation/masks/scan_masks.hpp"
#include "segmentation/slices/layout.hpp"
#include "segmentation/slices/window.hpp"

namespace medlsam::cuda {

// Kernels of all template points in the memory of one GPU, for any number of scans.
class DeviceTemplates {
 public:
  // Throws kRuntimeUnavailable for a GPU that is not there, kOutOfMemory.
  DeviceTemplates(const MedlsamCudaTable& table, int device, const Templates& templates);
  ~DeviceTemplates();
  DeviceTemplates(const DeviceTemplates&) = delete;
  DeviceTemplates& operator=(const DeviceTemplates&) = delete;

  const void* handle() const { return handle_; }
  int channels() const { return channels_; }

 private:
  const MedlsamCudaTable& table_;
  void* handle_ = nullptr;
  int channels_;
};

// One scale's features of some patches in device memory: element (patch, channel, voxel) at patch ·
// patch_stride + channel · channel_stride + voxel · voxel_stride, voxels (z, y, x) of edge³.
struct DeviceFeatures {
  const void* data = nullptr;
  DType dtype = DType::kF16;  // kF32, kF16 or kBF16
  int scale = 0, edge = 0;
  std::int64_t patch_stride = 0, channel_stride = 0, voxel_stride = 1;
};

struct DevicePoint {
  int patch = 0;           // of the features
  std::int32_t index = 0;  // of the template point
  Nearness nearness;       // on the patch's map
};

// Logits of one slice's prompts in device memory: (prompts, each, edge, edge), and the predicted IoUs
// (prompts, each), by which the best of each prompt's masks is used; no IoUs: the first.
struct DeviceLogits {
  const void* logits = nullptr;
  const void* ious = nullptr;
  DType dtype = DType::kF16;
  int prompts = 0, each = 1, edge = 0;
};

// One thread at a time calls into a scan. Functions throw kOutOfMemory and kDeviceFailed besides what the
// CPU's throw. A scan may be loaded after another; memory is used again.
class DeviceScan {
 public:
  // `stream`: a cudaStream_t that the caller keeps alive, or null for one of its own. Throws
  // kRuntimeUnavailable, with one line, where the GPU cannot be used.
  DeviceScan(const MedlsamCudaTable& table, int device, void* stream = nullptr);
  ~DeviceScan();
  DeviceScan(const DeviceScan&) = delete;
  DeviceScan& operator=(const DeviceScan&) = delete;

  void* stream() const { return table_.stream(session_); }
  std::int64_t memory() const { return table_.memory(session_); }  // bytes held on the GPU
  void synchronize();
  // Work from now on begins after what was queued in `stream`, a cudaStream_t, until now.
  void wait_for(void* stream);

  // Device memory for others, to be released before the scan ends.
  void* allocate(std::size_t bytes);
  void release(void* memory) noexcept;
  void read(const void* memory, std::span<std::byte> to) const;

  // Copies the stored voxels to the GPU: int16 as they are, other types as float32; a volume that is there
  // already, volume.on_gpu, does not go up again. `volume` outlives the work on it.
  void load(const Volume& volume, const Task& task);

  // As medlsam::make_grid, but the values stay on the GPU: the grid comes back without them. Slices that a
  // tilted gantry sheared are shifted upright on the CPU.
  Grid make_grid(Conventions conventions, bool normalized, const Task& task);
  const float* grid_values() const { return grid_values_; }  // device memory, (z, y, x) of the grid's shape
  // Gives back all memory but the grid's; the volume must be loaded anew.
  void keep_grid() noexcept;
  // A grid that was made on the CPU, in the place of make_grid's.
  void load_grid(const Grid& grid);
  // As copy_patch, for some patches at once: (centers, edge³) of kF32, kF16 or kBF16 into device memory.
  void gather_patches(std::span<const Index3> centers, std::int64_t edge, DType dtype, void* out);

  // As medlsam::find_peaks, for points in several patches. `patch`: edge of the maps.
  std::vector<SimilarityPeak> find_peaks(const DeviceTemplates& templates,
                                         std::span<const DeviceFeatures> scales, int patch,
                                         std::span<const DevicePoint> points);
  // Kernels as add_template_kernel adds them, for each of `patches` patches: (patches, channels, size³) on
  // the host.
  std::vector<float> support_kernels(const DeviceFeatures& features, int channels, int size, int patches);

  // As medlsam::slice_window.
  Window slice_window(Conventions conventions);
  // Sets how slices are cut, windowed and resized to edge², and where masks are sampled.
  void set_slices(const SliceLayout& layout, const Window& window, std::int64_t edge,
                  MaskSampling sampling = MaskSampling::kCorners);
  // As window_slice and SliceResizer: (slices, edge²) of kF32, kF16 or kBF16 into device memory.
  void prepare_slices(std::span<const std::int64_t> slices, DType dtype, void* out);
  // The masks that are decoded from now on are of this slice.
  void begin_masks(std::int64_t slice);
  // As MaskDecoder, further masks of the slice, one for each prompt. Where it throws none is added.
  void decode_masks(const DeviceLogits& logits);
  // Keeps all masks of the slice on the GPU, the i-th that was decoded as that of masks.organs[organs[i]].
  // Those that were kept before go to `masks` where there is no room left beside them.
  void keep_masks(std::span<const std::size_t> organs, MaskLevels levels, ScanMasks& masks, const Task& task);
  // Brings down all masks that were kept, as crop_mask makes them, with their stored_sum for a volume of
  // integers of 8 or 16 bits.
  void read_masks(ScanMasks& masks, const Task& task);

 private:
  void check(std::int32_t result) const;
  const Volume& loaded() const;
  bool use_shared(const Volume& volume);
  void upload(const Volume& volume, const Task& task);
  // The lowest stored value of the volume that the session has, in the HU of `volume`.
  double stored_minimum(const Volume& volume) const;
  Grid upright_grid(const Volume& volume, Conventions conventions, bool normalized,
                    const std::function<double()>& stored_minimum);
  bool find_room(MaskLevels levels, std::span<MedlsamCudaKeptMask> places);

  const MedlsamCudaTable& table_;
  const int device_;
  void* session_ = nullptr;
  const Volume* volume_ = nullptr;
  const float* grid_values_ = nullptr;
  bool has_grid_ = false;
  struct KeptMask {
    std::size_t organ;
    std::int64_t slice;
    MaskLevels levels;
    MedlsamCudaMask mask;
    MedlsamCudaKeptMask place;
  };

  std::vector<MedlsamCudaMask> masks_;  // of the slice that was begun last
  std::int64_t slice_ = -1;
  std::vector<KeptMask> kept_;
  std::int64_t kept_bytes_ = 0;
};

}  // namespace medlsam::cuda
