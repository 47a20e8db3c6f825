// Bytes of a file from first to last, inflated where they are compressed, and the voxels among them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/task.hpp"
#include "volumes/gzip.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// Errors of this file are kBadVolume (without the file's name and the full stop) and kAborted.
class VoxelStream {
 public:
  // `deflated` null: the bytes as they are. `file` and `task` must outlive the stream.
  VoxelStream(std::span<const std::byte> file, std::optional<Deflated> deflated, const Task& task);

  // Fills `out` and returns its size, or less at the end.
  std::size_t read(std::span<std::byte> out);

  // Reads `size` bytes, which messages call `what`. Address space is reserved at once, but pages are only
  // taken as bytes arrive. Swaps the bytes of each value of `swap_width`, where that is above 1.
  std::vector<std::byte> read_bytes(double size, const char* what, std::size_t swap_width);

  // Goes on to the compressed data's end, where the checksum is: damage can also lengthen the data. But what
  // lies there is not needed and may never end: a megabyte is enough.
  void verify_checksum();

  // More bytes than this cannot follow.
  double at_most() const { return static_cast<double>(plain_.size()) * (inflater_ ? kMaxInflation : 1); }

 private:
  std::span<const std::byte> plain_;
  const Task& task_;
  std::optional<GzipReader> inflater_;
};

// Reverses the bytes of each value of `width`.
void swap_values(std::span<std::byte> bytes, std::size_t width);

// Where voxels lie that nothing follows.
struct VoxelData {
  std::span<const std::byte> bytes{};
  std::optional<Deflated> deflated{};
  std::size_t skip = 0;  // bytes before the voxels, counted inflated
  bool swapped = false;  // of the other byte order than this machine's
};

// Fills volume.data with the values that its shape and type need. Fewer or more of them are an error.
void read_voxels(const VoxelData& from, Volume& volume, const Task& task);

}  // namespace medlsam
