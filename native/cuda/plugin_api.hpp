// The interface between the CUDA plugin (medlsam_cuda.so) and the addon: a table of C functions, so that no
// C++ type and no exception crosses between two libraries that may have been built apart.
//
// A session is what one scan needs on a GPU: a stream, and memory that grows to what was asked of it and is
// used again until the session is closed. All work of a session is in its stream's order; functions that give
// values to the host wait for them, others return as soon as the work is queued. Sessions are independent of
// each other; one thread at a time calls into one. "Device pointers" are addresses of the session's GPU, from
// this plugin or from anybody else in the process (libtorch): both use the GPU's primary context.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

// Changes with every change of this file; the addon refuses a plugin of another number.
#define MEDLSAM_CUDA_ABI 7

enum : std::int32_t {
  MEDLSAM_CUDA_FLOAT32 = 0,
  MEDLSAM_CUDA_FLOAT16 = 1,
  MEDLSAM_CUDA_BFLOAT16 = 2,
  MEDLSAM_CUDA_INT16 = 3,
};

// Values that a mask keeps of its foreground's pixels; 0 is background.
enum : std::int32_t {
  MEDLSAM_CUDA_LEVELS = 0,  // 1 … 65535 for probabilities ½ … 1
  // 1 + the number of the slice's masks that are more probable there: decides overlaps, whichever of the
  // masks are taken away later.
  MEDLSAM_CUDA_RANKS = 1,
};

struct MedlsamCudaDevice {
  char name[256];
  std::int64_t memory;        // bytes, of all programs together
  std::int32_t major, minor;  // compute capability
  std::int32_t multiprocessors;
};

// A scan's stored voxels, x fastest, in host memory.
struct MedlsamCudaVolume {
  const void* values;
  std::int32_t type;      // INT16 or FLOAT32
  std::int64_t shape[3];  // stored (z, y, x)
  double slope, intercept;
};

// medlsam::AxisOperator in host memory.
struct MedlsamCudaOperator {
  const std::int64_t* first;
  const std::int64_t* begin;  // rows + 1
  const float* weights;
  std::int64_t rows;
};

// Range of the values that are not NaN.
struct MedlsamCudaRange {
  float min, max;
  std::int32_t finite;  // 0 where a value is NaN or infinite
};

// How the resampled volume, stored (z, y, x), becomes the padded grid in LAS order.
struct MedlsamCudaGridLayout {
  std::int32_t stored_axis[3];  // for each axis of the grid, (z, y, x)
  std::int32_t flipped[3];
  std::int64_t padding;  // voxels of 0 on every side
  // Values are mapped piecewise linearly through (place, value), clamped outside; 0 knots: left as they are.
  std::int32_t knots;
  double place[8], value[8];
};

// Features of one scale in device memory: element (patch, channel, voxel) at patch · patch_stride + channel ·
// channel_stride + voxel · voxel_stride, so that both of libtorch's memory formats serve as they are.
struct MedlsamCudaFeatures {
  const void* data;
  std::int32_t type;   // FLOAT32, FLOAT16 or BFLOAT16
  std::int32_t edge;   // voxels: edge³, (z, y, x)
  std::int32_t scale;  // 0, 1, 2: which kernels of the templates it is compared with
  std::int64_t patch_stride, channel_stride, voxel_stride;
};

struct MedlsamCudaPoint {
  std::int32_t patch;     // of the features
  std::int32_t row;       // of the templates
  std::int32_t start[3];  // voxel of the map, (z, y, x)
  float fall;             // 0, or what a voxel counts less for each squared voxel from start
};

struct MedlsamCudaPeak {
  std::int32_t voxel[3];  // (z, y, x) of the first maximum of map − fall·d²
  float value;            // maximum of the map
};

// How a stored volume falls apart into slices, and what becomes of them.
struct MedlsamCudaSlices {
  std::int64_t count, height, width;
  std::int64_t stride[3];      // in stored voxels: to the next slice, row, column
  double low, high;            // HU that become 0 and 255
  double clip_low, clip_high;  // HU are clipped to these before
  std::int32_t zero_is_black;  // 0 HU becomes 0
  // To SAM's image, image_edge² pixels; `rounding` is added before fractions are cut off.
  std::int32_t image_edge;
  MedlsamCudaOperator along_y, along_x;
  float rounding;
  float foreground;  // a mask's foreground has a greater probability
  std::int32_t
      centers;  // where a mask is sampled: in the pixels' middles, else at floor(pixel · image_edge / length)
};

// Masks of a slice in device memory, as SAM's decoder leaves them.
struct MedlsamCudaLogits {
  const void* data;  // (prompts, each, edge, edge)
  const void*
      ious;  // (prompts, each): of each prompt the mask with the greatest is used; null where each is 1
  std::int32_t type;
  std::int32_t prompts, each;
  std::int32_t edge;
};

// One prompt's mask on a slice: the rectangle of its foreground, empty (height 0) if there is none.
struct MedlsamCudaMask {
  std::int32_t top, left, height, width;
  std::int64_t voxels;  // of the foreground
  double sum;           // of their stored values
};

// Where a mask's rectangle is among those that are kept: `planes` bit planes of its pixels' values, the
// lowest bits first, each of height rows of ceil(width / 8) bytes with the first pixel in the lowest bit.
struct MedlsamCudaKeptMask {
  std::int64_t offset;  // of its first byte
  std::int32_t planes;
};

// Functions that can fail return 0, or 1 + a medlsam::ErrorCode, its message in last_error() of this thread.
// After kOutOfMemory, whose message says what the session holds, the session goes on, and less at once may
// fit; after kDeviceFailed nothing does in this process.
struct MedlsamCudaTable {
  std::int32_t runtime_version;  // of CUDA, 13000 for 13.0
  const char* architectures;     // compiled for: "75,80,…"
  std::int64_t pool_bytes;       // that a session keeps of released memory, at most
  std::int64_t mask_bytes;       // room for a scan's masks; what fills it goes to the host
  const char* (*last_error)();

  // --- devices ------------------------------------------------------------------------------------------
  // The driver's version, 0 where there is none.
  std::int32_t (*driver_version)();
  // Fails with kRuntimeUnavailable and one line that says why no GPU can be used: no driver, a driver older
  // than the runtime, no GPU. Writes up to `capacity` devices. Takes no memory of any.
  std::int32_t (*devices)(MedlsamCudaDevice* devices, std::int32_t capacity, std::int32_t* count);

  // --- sessions -----------------------------------------------------------------------------------------
  // `stream`: a cudaStream_t of the device that the caller keeps alive, or null for one of the session's own.
  // Fails with kRuntimeUnavailable as `devices` does, and for a number that is not there or a GPU too old.
  std::int32_t (*open_session)(std::int32_t device, void* stream, void** session);
  void (*close_session)(void* session);
  void* (*stream)(void* session);
  std::int32_t (*synchronize)(void* session);
  // Work that is asked of the session from now on begins after what was queued in `stream`, a cudaStream_t of
  // its device, until now: how another's tensors are waited for.
  std::int32_t (*wait_for)(void* session, void* stream);
  std::int64_t (*memory)(void* session);  // bytes of device memory that the session holds

  // Device memory for tensors. What is released is used again for what is allocated later, in the order of
  // the session's stream: other streams that use it must be done or waited for. Copies wait for themselves.
  std::int32_t (*allocate)(void* session, std::size_t bytes, void** pointer);
  std::int32_t (*release)(void* session, void* pointer);
  std::int32_t (*to_device)(void* session, const void* host, std::size_t bytes, void* device);
  std::int32_t (*to_host)(void* session, const void* device, std::size_t bytes, void* host);

  // --- localization -------------------------------------------------------------------------------------
  // Copies the scan to the device; everything below that reads a volume reads this one. The grid of the one
  // before stays until the next fill_grid.
  std::int32_t (*load_volume)(void* session, const MedlsamCudaVolume* volume);
  // The loaded volume for other sessions of the same GPU, until `shared` is released; but where memory does
  // not suffice, volumes that no session uses give way to what is under way.
  std::int32_t (*share_volume)(void* session, void** shared);
  // In place of load_volume. `is_there`: 0 for a volume that gave way, which has to be loaded.
  std::int32_t (*use_volume)(void* session, const void* shared, std::int32_t* is_there);
  void (*release_volume)(void* shared);
  std::int32_t (*stored_range)(void* session, MedlsamCudaRange* range);  // of the stored values, not scaled
  // Resamples the volume along its stored axes (z, y, x). The result stays for fill_grid; `range` is its.
  std::int32_t (*resample)(void* session, const MedlsamCudaOperator axes[3], MedlsamCudaRange* range);
  // Makes the padded grid of the resampled volume; `grid` receives its device pointer (float32, z, y, x),
  // which holds until the session's next fill_grid.
  std::int32_t (*fill_grid)(void* session, const MedlsamCudaGridLayout* layout, const float** grid);
  // Frees all that the session holds but the grid and tensors that are lent; the volume must be loaded anew.
  void (*keep_grid)(void* session);
  // A grid that was made elsewhere, (z, y, x), in the place of fill_grid's.
  std::int32_t (*load_grid)(void* session, const float* values, const std::int64_t shape[3]);
  // Patches [center − edge/2, center + edge/2) of the grid, 0 outside, one after another into device memory:
  // (count, edge³) of FLOAT32, FLOAT16 or BFLOAT16. `centers`: (count, 3) on the host.
  std::int32_t (*gather_patches)(void* session, const std::int64_t* centers, std::int32_t count,
                                 std::int64_t edge, std::int32_t type, void* out);

  // Kernels of template points on a device, shared by its sessions: for each scale (points, channels,
  // size³) floats on the host.
  std::int32_t (*create_templates)(std::int32_t device, std::int32_t points, std::int32_t channels,
                                   std::int32_t scales, const std::int32_t* sizes,
                                   const float* const* kernels, void** templates);
  void (*destroy_templates)(void* templates);
  // Peaks of the similarity maps, as medlsam::find_peaks. `patch`: edge of the maps. Features of float16 and
  // bfloat16 are multiplied in float16 on tensor cores where the device has them, float32 in float32. No map
  // leaves the device.
  std::int32_t (*find_peaks)(void* session, const void* templates, const MedlsamCudaFeatures* scales,
                             std::int32_t scale_count, std::int32_t patch, const MedlsamCudaPoint* points,
                             std::int32_t point_count, MedlsamCudaPeak* peaks);
  // Template kernels of supports: the central size³ block of each of `patches` patches, L2-normalized over
  // the channels, as float32 (patches, channels, size³) on the host.
  std::int32_t (*support_kernels)(void* session, const MedlsamCudaFeatures* features, std::int32_t channels,
                                  std::int32_t size, std::int32_t patches, float* kernels);

  // --- segmentation -------------------------------------------------------------------------------------
  // Sets how slices are cut and resized, makes room for their masks, and drops those that were there.
  std::int32_t (*set_slices)(void* session, const MedlsamCudaSlices* slices);
  // Windowed and resized slices, (count, image_edge²) of FLOAT32, FLOAT16 or BFLOAT16, whole numbers 0 … 255.
  std::int32_t (*prepare_slices)(void* session, const std::int64_t* slices, std::int32_t count,
                                 std::int32_t type, void* out);
  // The masks that are decoded from now on are of this slice. Drops those of the one before.
  std::int32_t (*begin_masks)(void* session, std::int64_t slice);
  // Further masks of the slice on the stored grid; `masks` receives one for each prompt. A call that fails
  // adds none.
  std::int32_t (*decode_masks)(void* session, const MedlsamCudaLogits* logits, MedlsamCudaMask* masks);
  // Puts all masks of the slice, with these values, after those that were kept before, in device memory.
  // `masks` receives the place of each, in the order in which they were decoded, `bytes` how many all that is
  // kept has, or −1 where there is no room left for these: nothing is kept of them then, and is once the
  // others were read.
  std::int32_t (*keep_masks)(void* session, std::int32_t values, MedlsamCudaKeptMask* masks,
                             std::int64_t* bytes);
  // All that was kept since, to the host, and makes room for others.
  std::int32_t (*read_masks)(void* session, std::uint8_t* planes);
};

// The plugin's only symbols, medlsam_cuda_abi and medlsam_cuda_table. The number comes first: the table is
// read only if it is the wanted one.
using MedlsamCudaAbi = std::int32_t (*)();
using MedlsamCudaGetTable = const MedlsamCudaTable* (*)();
}
