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
  if (volume_.values == nullptr) refuse_call("The session has no volume.");
  const bool fits = slices.count > 0 && slices.height > 0 && slices.width > 0 &&
                    slices.count * slices.height * slices.width == stored_shape_.voxels() &&
                    slices.along_y.rows == slices.image_edge && slices.along_x.rows == slices.image_edge;
  if (!fits) refuse_call("The slices are not those of the session's volume.");
  view_ = {volume_, slices.height, slices.width, slices.stride[0], slices.stride[1], slices.stride[2]};
  window_ = {slices.low, slices.high, slices.clip_low, slices.clip_high, slices.zero_is_black};
  resize_.along_y = upload_operator(resize_operators_[0], slices.along_y, stream());
  resize_.along_x = upload_operator(resize_operators_[1], slices.along_x, stream());
  resize_.edge = slices.image_edge;
  resize_.rounding = slices.rounding;
  foreground_ = slices.foreground;
  slice_count_ = slices.count;
  masks_.clear();
  decoded_slice_ = keyed_slice_ = -1;
  has_label_map_ = false;
}

void Session::prepare_slices(std::span<const std::int64_t> slices, Element type, void* out) {
  for (std::int64_t slice : slices) require_slice(slice);
  cuda::prepare_slices(stream(), view_, window_, resize_, indices_.upload(slices, stream()),
                       static_cast<std::int64_t>(slices.size()), type, out, slice_memory_);
}

const std::vector<MaskExtent>& Session::decode_masks(std::int64_t slice, const MedlsamCudaLogits& logits) {
  require_slice(slice);
  if (logits.prompts < 0 || logits.each < 1 || logits.edge < 1)
    refuse_call("A slice's logits are of some prompts, each of one mask at least.");
  const MaskLogits from{logits.data, logits.ious, static_cast<Element>(logits.type),      logits.prompts,
                        logits.each, logits.edge, static_cast<std::int32_t>(resize_.edge)};
  masks_.clear();
  masks_ = cuda::decode_masks(stream(), from, view_, slice, foreground_, mask_memory_);
  decoded_slice_ = slice;
  return masks_;
}

void Session::read_levels(std::uint16_t* levels) {
  cuda::read_levels(stream(), masks_, slices(), mask_memory_, staging_, levels);
}

void Session::read_bits(std::uint8_t* bits) {
  cuda::read_bits(stream(), masks_, slices(), mask_memory_, bits);
}

void Session::assemble(const std::uint16_t* labels, const std::uint16_t* ranks) {
  if (masks_.empty()) return;
  const std::size_t voxels = stored_shape_.voxels(), pixels = slices().pixels();
  if (!has_label_map_) {
    fill_zero(label_map_.at_least(voxels), voxels * sizeof(std::uint16_t), stream());
    has_label_map_ = true;
  }
  if (keyed_slice_ != decoded_slice_) {
    fill_zero(keys_.at_least(pixels), pixels * sizeof(std::uint32_t), stream());
    keyed_slice_ = decoded_slice_;
  }
  std::vector<MaskLabel> chosen;
  for (std::size_t i = 0; i < masks_.size(); ++i) {
    if (labels[i] == 0 || ranks[i] == 0xffff)
      refuse_call("A label on a GPU is not 0, and a rank is not greater than 65534.");
    chosen.push_back({labels[i], ranks[i]});
  }
  cuda::assemble(stream(), view_, decoded_slice_, static_cast<std::int32_t>(masks_.size()), mask_memory_,
                 labels_.upload(chosen, stream()), keys_.data(), label_map_.data());
}

void Session::read_labels(std::uint16_t* labels) {
  slices();
  const std::size_t voxels = stored_shape_.voxels();
  if (has_label_map_)
    return staging_.download(labels, label_map_.data(), voxels * sizeof(std::uint16_t), stream());
  std::fill_n(labels, voxels, std::uint16_t{0});
}

}  // namespace medlsam::cuda
