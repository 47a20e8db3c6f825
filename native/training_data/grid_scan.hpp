// A scan to train on: its 3 mm grid without the padding, as float16 in a mapped file, so that any number of
// scans needs no memory of the process.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "checkpoints/checkpoint.hpp"
#include "localization/grid/grid.hpp"

namespace medlsam::training {

// Throws kBadVolume if nothing is left of the grid without its padding, kWriteFailed.
void write_scan(const std::string& path, const Grid& grid);

class Scan {
 public:
  // Throws kFileNotFound, kReadFailed, kBadCheckpoint (not a file of write_scan).
  explicit Scan(const std::string& path);

  const Index3& shape() const { return shape_; }  // (z, y, x)
  float at(const Index3& index) const;            // 0 outside
  // The block [begin, begin + edge) per axis, edge³ values; 0 outside.
  std::vector<float> block(const Index3& begin, std::int64_t edge) const;

 private:
  Checkpoint file_;
  std::span<const std::byte> values_;
  Index3 shape_{};
};

}  // namespace medlsam::training
