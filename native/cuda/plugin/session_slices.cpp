// A session's slices and masks.
#include <string>

#include "base/error.hpp"
#include "cuda/plugin/session.hpp"

namespace medlsam::cuda {

const SliceView& Session::slices() const {
  if (slice_count_ == 0) refuse_call("The session does not know how its volume is cut into slices.");
  return view_;
}

void Session::require_slice(std::int64_t slice) const {
  slices();
  if (slice >= 0 && slice < slice_count_) return;
  refuse_call("There is no slice " + std::to_string(slice) + ": the volume has slices 0 to " +
              std::to_string(slice_count_ - 1) + '.');
}

void Session::set_slices(const MedlsamCudaSlices& slices) {
  const bool fits = slices.count > 0 && slices.height > 0 && slices.width > 0 &&
                    slices.count * slices.height * slices.width == volume().shape.voxels() &&
                    slices.along_y.rows == slices.image_edge && slices.along_x.rows == slices.image_edge;
  if (!fits) refuse_call("The slices are not those of the session's volume.");
  view_ = {volume().values,  slices.height,    slices.width,
           slices.stride[0], slices.stride[1], slices.stride[2]};
  window_ = {slices.low, slices.high, slices.clip_low, slices.clip_high, slices.zero_is_black};
  resize_.along_y = upload_operator(resize_operators_[0], slices.along_y, stream());
  resize_.along_x = upload_operator(resize_operators_[1], slices.along_x, stream());
  resize_.edge = slices.image_edge;
  resize_.rounding = slices.rounding;
  foreground_ = slices.foreground;
  mask_centers_ = slices.centers != 0;
  room_.open();
  slice_count_ = slices.count;
  masks_.clear();
  masked_slice_ = -1;
}

void Session::prepare_slices(std::span<const std::int64_t> slices, Element type, void* out) {
  for (std::int64_t slice : slices) require_slice(slice);
  cuda::prepare_slices(stream(), view_, window_, resize_, indices_.upload(slices, stream()),
                       static_cast<std::int64_t>(slices.size()), type, out, slice_memory_);
}

void Session::begin_masks(std::int64_t slice) {
  require_slice(slice);
  masks_.clear();
  masked_slice_ = slice;
  mask_calls_ = 0;
}

std::vector<MaskExtent> Session::decode_masks(const MedlsamCudaLogits& logits) {
  require_slice(masked_slice_);
  if (logits.prompts < 0 || logits.each < 1 || logits.edge < 1)
    refuse_call("A slice's logits are of some prompts, each of one mask at least.");
  const MaskLogits from{logits.data, logits.ious, static_cast<Element>(logits.type),       logits.prompts,
                        logits.each, logits.edge, static_cast<std::int32_t>(resize_.edge), mask_centers_};
  const auto decoded =
      cuda::decode_masks(stream(), from, view_, masked_slice_, foreground_, mask_calls_, mask_memory_);
  masks_.insert(masks_.end(), decoded.begin(), decoded.end());
  ++mask_calls_;
  std::vector<MaskExtent> extents;
  for (const DecodedMask& mask : decoded) extents.push_back(mask.extent);
  return extents;
}

std::optional<std::vector<KeptMask>> Session::keep_masks(MaskValues values) {
  require_slice(masked_slice_);
  return room_.keep(stream(), masks_, view_, values);
}

void Session::read_masks(std::uint8_t* planes) {
  room_.read(stream(), staging_, planes);
}

}  // namespace medlsam::cuda
