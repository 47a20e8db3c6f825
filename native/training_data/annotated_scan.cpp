#include "training_data/annotated_scan.hpp"

#include <algorithm>
#include <cstring>
#include <map>

#include "base/error.hpp"
#include "checkpoints/safetensors.hpp"
#include "segmentation/slices/layout.hpp"
#include "segmentation/slices/window.hpp"
#include "volumes/label_values.hpp"

namespace medlsam::training {
namespace {

// Names of tensors. pixels, labels: (slices, height, width); places: (slices); extents: (slices, organs, 4),
// −1 where the organ is not; organs: their labels; spacing: mm.
constexpr const char *kPixels = "pixels", *kLabels = "labels", *kPlaces = "places", *kExtents = "extents",
                     *kOrgans = "organs", *kSpacing = "spacing";

constexpr SliceExtent kNowhere = {-1, -1, -1, -1};

// One slice of a label map, (height, width).
std::vector<std::uint16_t> label_slice(const Volume& labels, const SliceLayout& layout, std::int64_t z) {
  std::vector<std::uint16_t> slice(static_cast<std::size_t>(layout.pixels()));
  with_stored_values(labels, [&](const auto* values) {
    std::uint16_t* label = slice.data();
    for (std::int64_t y = 0; y < layout.height; ++y) {
      const auto* line = values + z * layout.stride[0] + y * layout.stride[1];
      for (std::int64_t x = 0; x < layout.width; ++x)
        *label++ = to_label(line[x * layout.stride[2]], labels.slope, labels.intercept);
    }
  });
  return slice;
}

// The organs of slices read one after another, numbered as they come.
class Organs {
 public:
  std::uint8_t number(std::uint16_t label) {
    if (label == 0) return 0;
    const auto [entry, is_new] = numbers_.emplace(label, numbers_.size() + 1);
    if (is_new && numbers_.size() > 255)
      throw Error(ErrorCode::kBadLabels,
                  "The label map has more than 255 labels. Is it one of organs, and not the image?");
    return static_cast<std::uint8_t>(entry->second);
  }
  std::int64_t count() const { return static_cast<std::int64_t>(numbers_.size()); }
  std::vector<std::int32_t> labels() const {
    std::vector<std::int32_t> labels(numbers_.size());
    for (const auto& [label, number] : numbers_) labels[number - 1] = label;
    return labels;
  }

 private:
  std::map<std::uint16_t, std::size_t> numbers_;
};

std::map<std::uint8_t, SliceExtent> extents_of(std::span<const std::uint8_t> numbers, std::int64_t width) {
  std::map<std::uint8_t, SliceExtent> extents;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] == 0) continue;
    const auto at = static_cast<std::int64_t>(i);
    const SliceExtent here = {at / width, at % width, at / width, at % width};
    extents.emplace(numbers[i], here).first->second.include(here);
  }
  return extents;
}

template <class Value>
TensorView view_of(DType type, std::vector<std::int64_t> shape, const std::vector<Value>& values) {
  return {type, std::move(shape), std::as_bytes(std::span(values))};
}

}  // namespace

void SliceExtent::include(const SliceExtent& other) {
  top = std::min(top, other.top);
  left = std::min(left, other.left);
  bottom = std::max(bottom, other.bottom);
  right = std::max(right, other.right);
}

void write_annotated_scan(const std::string& path, const Volume& image, const Volume& labels,
                          const Task& task) {
  const SliceLayout layout = slice_layout(image.affine, image.shape);
  Organs organs;
  std::vector<std::uint8_t> pixels, numbers;
  std::vector<std::int32_t> places;
  std::vector<std::map<std::uint8_t, SliceExtent>> found;
  for (std::int64_t z = 0; z < layout.count; ++z) {
    task.check();
    const std::vector<std::uint16_t> slice = label_slice(labels, layout, z);
    if (std::all_of(slice.begin(), slice.end(), [](std::uint16_t label) { return label == 0; })) continue;
    const std::size_t begin = numbers.size();
    for (const std::uint16_t label : slice) numbers.push_back(organs.number(label));
    pixels.resize(numbers.size());
    window_slice(image, layout, z, Window{}, std::span(pixels).subspan(begin));
    places.push_back(static_cast<std::int32_t>(z));
    found.push_back(extents_of(std::span(numbers).subspan(begin), layout.width));
    task.report(static_cast<std::size_t>(z + 1), static_cast<std::size_t>(layout.count));
  }
  std::vector<std::int32_t> extents;
  for (const auto& of_slice : found) {
    for (std::int64_t organ = 1; organ <= organs.count(); ++organ) {
      const auto entry = of_slice.find(static_cast<std::uint8_t>(organ));
      const SliceExtent& extent = entry == of_slice.end() ? kNowhere : entry->second;
      for (const std::int64_t bound : {extent.top, extent.left, extent.bottom, extent.right})
        extents.push_back(static_cast<std::int32_t>(bound));
    }
  }
  const auto stored = spacing(image.affine);
  const std::vector<double> edges = {stored[layout.axis[0]], stored[layout.axis[1]], stored[layout.axis[2]]};
  const auto count = static_cast<std::int64_t>(places.size());
  const std::vector<std::int32_t> known = organs.labels();
  const NamedTensor tensors[] = {
      {kPixels, view_of(DType::kU8, {count, layout.height, layout.width}, pixels)},
      {kLabels, view_of(DType::kU8, {count, layout.height, layout.width}, numbers)},
      {kPlaces, view_of(DType::kI32, {count}, places)},
      {kExtents, view_of(DType::kI32, {count, organs.count(), 4}, extents)},
      {kOrgans, view_of(DType::kI32, {organs.count()}, known)},
      {kSpacing, view_of(DType::kF64, {3}, edges)},
  };
  write_safetensors(path, tensors, {{"format", "medlsam annotated scan 1"}});
}

AnnotatedScan::AnnotatedScan(const std::string& path) : file_(open_checkpoint(path)) {
  const auto found = file_.tensors.find(kExtents), plane = file_.tensors.find(kPixels);
  if (found != file_.tensors.end() && found->second.shape.size() == 3) {
    slices_ = found->second.shape[0];
    organs_ = found->second.shape[1];
  }
  if (plane != file_.tensors.end() && plane->second.shape.size() == 3) {
    height_ = plane->second.shape[1];
    width_ = plane->second.shape[2];
  }
  pixels_ = take(path, kPixels, DType::kU8, {slices_, height_, width_});
  labels_ = take(path, kLabels, DType::kU8, {slices_, height_, width_});
  places_ = take(path, kPlaces, DType::kI32, {slices_});
  extents_ = take(path, kExtents, DType::kI32, {slices_, organs_, 4});
  known_ = take(path, kOrgans, DType::kI32, {organs_});
  std::memcpy(spacing_.data(), take(path, kSpacing, DType::kF64, {3}).data(), sizeof spacing_);
  slices_of_.resize(static_cast<std::size_t>(organs_));
  for (std::int64_t slice = 0; slice < slices_; ++slice) {
    for (std::int64_t organ = 0; organ < organs_; ++organ) {
      if (extent(slice, organ)) slices_of_[organ].push_back(slice);
    }
  }
}

std::span<const std::byte> AnnotatedScan::take(const std::string& path, const std::string& name, DType type,
                                               const std::vector<std::int64_t>& shape) const {
  const auto found = file_.tensors.find(name);
  if (found == file_.tensors.end() || found->second.dtype != type || found->second.shape != shape) {
    throw Error(ErrorCode::kBadCheckpoint,
                path + ": not an annotated scan prepared for training. Delete it: it is made anew.");
  }
  return found->second.bytes;
}

std::int32_t AnnotatedScan::number(std::span<const std::byte> all, std::int64_t index) const {
  std::int32_t value;
  std::memcpy(&value, all.data() + static_cast<std::size_t>(index) * sizeof value, sizeof value);
  return value;
}

bool AnnotatedScan::is_empty() const {
  return std::all_of(slices_of_.begin(), slices_of_.end(), [](const auto& slices) { return slices.empty(); });
}

std::int64_t AnnotatedScan::place(std::int64_t slice) const {
  return number(places_, slice);
}

std::span<const std::uint8_t> AnnotatedScan::plane(std::span<const std::byte> all, std::int64_t slice) const {
  const auto size = static_cast<std::size_t>(height_ * width_);
  const auto* first = reinterpret_cast<const std::uint8_t*>(all.data());
  return {first + static_cast<std::size_t>(slice) * size, size};
}

std::optional<SliceExtent> AnnotatedScan::extent(std::int64_t slice, std::int64_t organ) const {
  const std::int64_t at = 4 * (slice * organs_ + organ);
  const SliceExtent extent = {number(extents_, at), number(extents_, at + 1), number(extents_, at + 2),
                              number(extents_, at + 3)};
  // A damaged file must not lead outside the slice.
  const bool inside = extent.top >= 0 && extent.top <= extent.bottom && extent.bottom < height_ &&
                      extent.left >= 0 && extent.left <= extent.right && extent.right < width_;
  return inside ? std::optional(extent) : std::nullopt;
}

SliceExtent AnnotatedScan::extent_over(std::span<const std::int64_t> slices, std::int64_t organ) const {
  SliceExtent all = extent(slices.front(), organ).value();
  for (const std::int64_t slice : slices) all.include(extent(slice, organ).value());
  return all;
}

}  // namespace medlsam::training
