// A scan's slices and masks on a GPU.
#include <algorithm>

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

// Calls use(mask, pixel of the slice, level) for the foreground of masks as the host has them, in their
// order.
template <class Use>
void for_each_claim(std::span<SliceMask> masks, const SliceLayout& layout, Use&& use) {
  for (std::size_t i = 0; i < masks.size(); ++i) {
    std::uint16_t* level = masks[i].levels.data();
    for (std::int64_t y = masks[i].top; y < masks[i].top + masks[i].height; ++y) {
      for (std::int64_t x = masks[i].left; x < masks[i].left + masks[i].width; ++x, ++level) {
        if (*level != 0) use(i, y * layout.width + x, *level);
      }
    }
  }
}

}  // namespace

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
  layout_ = layout;
  check(table_.set_slices(session_, &slices));
}

void DeviceScan::prepare_slices(std::span<const std::int64_t> slices, DType dtype, void* out) {
  check(table_.prepare_slices(session_, slices.data(), static_cast<std::int32_t>(slices.size()),
                              type_number(dtype), out));
}

void DeviceScan::begin_masks(std::int64_t slice) {
  masks_.clear();
  check(table_.begin_masks(session_, slice));
}

void DeviceScan::decode_masks(const DeviceLogits& logits) {
  const MedlsamCudaLogits from{logits.logits,  logits.ious, type_number(logits.dtype),
                               logits.prompts, logits.each, logits.edge};
  std::vector<MedlsamCudaMask> found(logits.prompts);
  check(table_.decode_masks(session_, &from, found.data()));
  masks_.insert(masks_.end(), found.begin(), found.end());
}

std::vector<SliceMask> DeviceScan::read_masks(MaskLevels levels) {
  std::vector<SliceMask> masks;
  for (const MedlsamCudaMask& found : masks_) {
    SliceMask& mask = masks.emplace_back(SliceMask{found.top, found.left, found.height, found.width, {}, {}});
    mask.levels.resize(std::size_t{1} * found.height * found.width);
    if (has_exact_sums(loaded().dtype)) mask.stored_sum = found.sum;
  }
  levels == MaskLevels::kAll ? read_levels(masks) : read_contested(masks);
  return masks;
}

void DeviceScan::read_levels(std::span<SliceMask> masks) const {
  std::size_t count = 0;
  for (const SliceMask& mask : masks) count += mask.levels.size();
  std::vector<std::uint16_t> all(count);
  check(table_.read_levels(session_, all.data()));
  auto at = all.begin();
  for (SliceMask& mask : masks) {
    std::copy_n(at, mask.levels.size(), mask.levels.begin());
    at += static_cast<std::ptrdiff_t>(mask.levels.size());
  }
}

// Bits say which pixels several masks claim; the levels of those are all that is asked for besides.
void DeviceScan::read_contested(std::span<SliceMask> masks) const {
  std::size_t bytes = 0;
  for (const SliceMask& mask : masks) bytes += mask.height * ((mask.width + 7) / 8);
  std::vector<std::uint8_t> bits(bytes);
  check(table_.read_bits(session_, bits.data()));
  const std::uint8_t* row = bits.data();
  for (SliceMask& mask : masks) {
    for (std::int64_t y = 0; y < mask.height; ++y, row += (mask.width + 7) / 8) {
      for (std::int64_t x = 0; x < mask.width; ++x)
        mask.levels[y * mask.width + x] = (row[x / 8] >> (x % 8) & 1) != 0 ? kUncontested : 0;
    }
  }

  std::vector<std::uint8_t> claims(layout_.pixels());
  for_each_claim(masks, layout_, [&](std::size_t, std::int64_t pixel, std::uint16_t&) {
    claims[pixel] = static_cast<std::uint8_t>(std::min(2, claims[pixel] + 1));
  });
  std::vector<MedlsamCudaMaskPixel> wanted;
  std::vector<std::uint16_t*> into;
  for_each_claim(masks, layout_, [&](std::size_t mask, std::int64_t pixel, std::uint16_t& level) {
    if (claims[pixel] < 2) return;
    wanted.push_back({static_cast<std::uint32_t>(mask), static_cast<std::uint32_t>(pixel)});
    into.push_back(&level);
  });
  std::vector<std::uint16_t> levels(wanted.size());
  if (!wanted.empty()) {
    check(table_.read_levels_at(session_, wanted.data(), static_cast<std::int64_t>(wanted.size()),
                                levels.data()));
  }
  for (std::size_t i = 0; i < into.size(); ++i) *into[i] = levels[i];
}

}  // namespace medlsam::cuda
