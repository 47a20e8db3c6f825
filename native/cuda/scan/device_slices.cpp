// A scan's slices and masks on a GPU.
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "cuda/library.hpp"
#include "cuda/scan/device_scan.hpp"
#include "cuda/scan/types.hpp"
#include "segmentation/masks/decode.hpp"
#include "segmentation/slices/resize.hpp"

namespace medlsam::cuda {
namespace {

// Whether sums of values are the same in every order: those of integers this small are exact.
bool has_exact_sums(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16 || dtype == DType::kU16;
}

// Fills the levels of a mask from its bit planes.
void unpack(const std::uint8_t* planes, std::int32_t count, MaskLevels levels, SliceMask& mask) {
  const std::int64_t row_bytes = (mask.width + 7) / 8;
  for (std::int64_t y = 0; y < mask.height; ++y) {
    std::uint16_t* line = mask.levels.data() + y * mask.width;
    for (std::int32_t plane = 0; plane < count; ++plane) {
      const std::uint8_t* bits = planes + (plane * mask.height + y) * row_bytes;
      for (std::int64_t x = 0; x < mask.width; ++x)
        line[x] = static_cast<std::uint16_t>(line[x] | (bits[x / 8] >> (x % 8) & 1) << plane);
    }
    if (levels == MaskLevels::kAll) continue;
    // A rank begins with 1.
    for (std::int64_t x = 0; x < mask.width; ++x)
      line[x] = static_cast<std::uint16_t>(line[x] == 0 ? 0 : kMostProbable - (line[x] - 1));
  }
}

}  // namespace

Window DeviceScan::slice_window(Conventions conventions) {
  if (conventions == Conventions::kExact) return {};
  MedlsamCudaRange stored;
  check(table_.stored_range(session_, &stored));
  return reference_window(loaded(), static_cast<double>(stored.min), static_cast<double>(stored.max));
}

void DeviceScan::set_slices(const SliceLayout& layout, const Window& window, std::int64_t edge,
                            MaskSampling sampling) {
  const AxisOperator along_y = quadratic_spline(layout.height, edge);
  const AxisOperator along_x = quadratic_spline(layout.width, edge);
  MedlsamCudaSlices slices{};
  slices.count = layout.count;
  slices.height = layout.height;
  slices.width = layout.width;
  for (int a = 0; a < 3; ++a) slices.stride[a] = layout.stride[a];
  slices.low = window.low;
  slices.high = window.high;
  slices.clip_low = kLowestGray;
  slices.clip_high = kHighestGray;
  slices.zero_is_black = window.zero_is_black;
  slices.image_edge = static_cast<std::int32_t>(edge);
  slices.along_y = operator_view(along_y);
  slices.along_x = operator_view(along_x);
  slices.rounding = kGrayRounding;
  slices.foreground = kForeground;
  slices.centers = sampling == MaskSampling::kCenters;
  masks_.clear();
  kept_.clear();
  kept_bytes_ = 0;
  check(table_.set_slices(session_, &slices));
}

void DeviceScan::prepare_slices(std::span<const std::int64_t> slices, DType dtype, void* out) {
  check(table_.prepare_slices(session_, slices.data(), static_cast<std::int32_t>(slices.size()),
                              type_number(dtype), out));
}

void DeviceScan::begin_masks(std::int64_t slice) {
  masks_.clear();
  check(table_.begin_masks(session_, slice));
  slice_ = slice;
}

void DeviceScan::decode_masks(const DeviceLogits& logits) {
  const MedlsamCudaLogits from{logits.logits,  logits.ious, type_number(logits.dtype),
                               logits.prompts, logits.each, logits.edge};
  std::vector<MedlsamCudaMask> found(logits.prompts);
  check(table_.decode_masks(session_, &from, found.data()));
  masks_.insert(masks_.end(), found.begin(), found.end());
}

// Keeps the slice's masks if there is room for them, and says where.
bool DeviceScan::find_room(MaskLevels levels, std::span<MedlsamCudaKeptMask> places) {
  const std::int32_t values = levels == MaskLevels::kAll ? MEDLSAM_CUDA_LEVELS : MEDLSAM_CUDA_RANKS;
  std::int64_t bytes = 0;
  check(table_.keep_masks(session_, values, places.data(), &bytes));
  if (bytes < 0) return false;
  kept_bytes_ = bytes;
  return true;
}

void DeviceScan::keep_masks(std::span<const std::size_t> organs, MaskLevels levels, ScanMasks& masks,
                            const Task& task) {
  if (organs.size() != masks_.size()) {
    throw Error(ErrorCode::kBadArgument, std::to_string(masks_.size()) + " masks of a slice are kept, of " +
                                             std::to_string(organs.size()) + " organs.");
  }
  std::vector<MedlsamCudaKeptMask> places(masks_.size());
  if (!find_room(levels, places)) {
    read_masks(masks, task);
    if (!find_room(levels, places))
      throw Error(ErrorCode::kInternal,
                  "A slice's masks found no room on the GPU where there were no others.");
  }
  for (std::size_t i = 0; i < masks_.size(); ++i)
    kept_.push_back({organs[i], slice_, levels, masks_[i], places[i]});
}

void DeviceScan::read_masks(ScanMasks& masks, const Task& task) {
  if (kept_.empty()) return;
  std::vector<std::uint8_t> planes(std::exchange(kept_bytes_, 0));
  const std::vector<KeptMask> kept = std::exchange(kept_, {});
  check(table_.read_masks(session_, planes.data()));
  const bool has_sums = has_exact_sums(loaded().dtype);
  parallel_for(task, kept.size(), [&](std::size_t i, std::size_t) {
    const auto& [organ, slice, levels, found, place] = kept[i];
    SliceMask mask{found.top, found.left, found.height, found.width, {}, {}};
    mask.levels.resize(std::size_t{1} * found.height * found.width);
    unpack(planes.data() + place.offset, place.planes, levels, mask);
    if (has_sums) mask.stored_sum = found.sum;
    masks.organs.at(organ).slices.at(slice) = std::move(mask);
  });
}

}  // namespace medlsam::cuda
