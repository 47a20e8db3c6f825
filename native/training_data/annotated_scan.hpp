// A scan and its label map as SAM is trained on them: the slices that show an organ, as segmentation sees
// them, in a file that is mapped.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "checkpoints/checkpoint.hpp"
#include "volumes/volume.hpp"

namespace medlsam::training {

// Rows and columns of a slice, all included.
struct SliceExtent {
  std::int64_t top, left, bottom, right;

  void include(const SliceExtent& other);
};

// Both of the same geometry. Scans without any organ make a file without slices. Throws kBadLabels (values
// that are not labels, or more than 255 of them), kWriteFailed, kAborted.
void write_annotated_scan(const std::string& path, const Volume& image, const Volume& labels,
                          const Task& task);

// Slices and organs are counted from 0 among those that are there.
class AnnotatedScan {
 public:
  // Throws kFileNotFound, kReadFailed, kBadCheckpoint (not a file of write_annotated_scan).
  explicit AnnotatedScan(const std::string& path);

  std::int64_t slices() const { return slices_; }
  std::int64_t organs() const { return organs_; }
  // The organ's label in the scan's label map.
  std::int32_t label(std::int64_t organ) const { return number(known_, organ); }
  bool is_empty() const;  // shows no organ
  std::int64_t height() const { return height_; }
  std::int64_t width() const { return width_; }
  // Edges of a voxel in mm: between slices, rows, columns.
  const std::array<double, 3>& spacing() const { return spacing_; }
  // The slice's place in the scan; between neighbours here some may be left out.
  std::int64_t place(std::int64_t slice) const;

  // height × width: 0 … 255, and the organ + 1 or 0.
  std::span<const std::uint8_t> pixels(std::int64_t slice) const { return plane(pixels_, slice); }
  std::span<const std::uint8_t> labels(std::int64_t slice) const { return plane(labels_, slice); }
  // Where the organ is on the slice; nothing if it is not.
  std::optional<SliceExtent> extent(std::int64_t slice, std::int64_t organ) const;
  // The slices that show the organ, in order.
  const std::vector<std::int64_t>& slices_of(std::int64_t organ) const { return slices_of_[organ]; }
  // The organ's box over these slices, all of the scan's for its own (3D) box.
  SliceExtent extent_over(std::span<const std::int64_t> slices, std::int64_t organ) const;

 private:
  std::span<const std::uint8_t> plane(std::span<const std::byte> all, std::int64_t slice) const;
  std::int32_t number(std::span<const std::byte> all, std::int64_t index) const;
  std::span<const std::byte> take(const std::string& path, const std::string& name, DType type,
                                  const std::vector<std::int64_t>& shape) const;

  Checkpoint file_;
  std::int64_t slices_ = 0, organs_ = 0, height_ = 0, width_ = 0;
  std::array<double, 3> spacing_{};
  std::span<const std::byte> pixels_, labels_, places_, extents_, known_;  // known_: the organs' labels
  std::vector<std::vector<std::int64_t>> slices_of_;
};

}  // namespace medlsam::training
