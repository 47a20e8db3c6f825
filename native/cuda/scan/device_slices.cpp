// A scan's slices and masks on a GPU.
#include <limits>

#include "cuda/library.hpp"
#include "cuda/scan/device_scan.hpp"
#include "cuda/scan/types.hpp"
#include "segmentation/masks/decode.hpp"
#include "segmentation/slices/resize.hpp"

namespace medlsam::cuda {

Window DeviceScan::slice_window(Conventions conventions) {
  if (conventions == Conventions::kExact) return {};
  MedlsamCudaRange stored;
  check(table_.stored_range(session_, &stored));
  return reference_window(loaded(), static_cast<double>(stored.min), static_cast<double>(stored.max));
}

void DeviceScan::set_slices(const SliceLayout& layout, const Window& window, std::int64_t edge) {
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
  masks_.clear();
  check(table_.set_slices(session_, &slices));
}

void DeviceScan::prepare_slices(std::span<const std::int64_t> slices, DType dtype, void* out) {
  check(table_.prepare_slices(session_, slices.data(), static_cast<std::int32_t>(slices.size()),
                              type_number(dtype), out));
}

std::vector<DeviceMask> DeviceScan::decode_masks(std::int64_t slice, const DeviceLogits& logits) {
  const MedlsamCudaLogits from{logits.logits,  logits.ious, type_number(logits.dtype),
                               logits.prompts, logits.each, logits.edge};
  masks_.clear();
  std::vector<MedlsamCudaMask> found(logits.prompts);
  check(table_.decode_masks(session_, slice, &from, found.data()));
  masks_ = std::move(found);

  std::size_t count = 0;
  for (const MedlsamCudaMask& mask : masks_) count += std::size_t{1} * mask.height * mask.width;
  std::vector<std::uint16_t> levels(count);
  check(table_.read_levels(session_, levels.data()));
  std::vector<DeviceMask> decoded;
  auto at = levels.begin();
  for (const MedlsamCudaMask& mask : masks_) {
    const auto end = at + std::ptrdiff_t{1} * mask.height * mask.width;
    DeviceMask& to = decoded.emplace_back();
    to.mask = {mask.top, mask.left, mask.height, mask.width, {at, end}};
    to.voxels = mask.voxels;
    to.mean = mask.voxels == 0
                  ? std::numeric_limits<double>::quiet_NaN()
                  : mask.sum / static_cast<double>(mask.voxels) * volume_->slope + volume_->intercept;
    at = end;
  }
  return decoded;
}

std::vector<std::vector<std::uint8_t>> DeviceScan::mask_bits() {
  const auto bytes_of = [](const MedlsamCudaMask& mask) {
    return std::ptrdiff_t{1} * mask.height * ((mask.width + 7) / 8);
  };
  std::ptrdiff_t count = 0;
  for (const MedlsamCudaMask& mask : masks_) count += bytes_of(mask);
  std::vector<std::uint8_t> all(count);
  check(table_.read_bits(session_, all.data()));
  std::vector<std::vector<std::uint8_t>> bits;
  auto at = all.begin();
  for (const MedlsamCudaMask& mask : masks_) {
    bits.emplace_back(at, at + bytes_of(mask));
    at += bytes_of(mask);
  }
  return bits;
}

void DeviceScan::assemble(std::span<const std::uint16_t> labels, std::span<const std::uint16_t> ranks) {
  if (labels.size() != masks_.size() || ranks.size() != masks_.size()) {
    throw Error(ErrorCode::kBadArgument, "Each of the " + std::to_string(masks_.size()) +
                                             " masks that were decoded last needs a label and a rank.");
  }
  check(table_.assemble(session_, labels.data(), ranks.data()));
}

std::vector<std::uint16_t> DeviceScan::label_map() {
  std::vector<std::uint16_t> labels(loaded().voxels());
  check(table_.read_labels(session_, labels.data()));
  return labels;
}

}  // namespace medlsam::cuda
