#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/checkpoints/checkpoint.hpp"

namespace medlsam {

// MedLAM's parameters as float32. What the file already stores so stays in the mapped file.
class MedLamWeights {
 public:
  // Reads base width and patch size from the tensors and checks every tensor the network needs. Throws
  // kBadCheckpoint naming the tensor, the shape found and the shape wanted; `path` is what messages call the
  // file.
  MedLamWeights(const Checkpoint& checkpoint, const std::string& path);

  const TensorView& at(const std::string& name) const { return tensors_.at(name); }
  int width() const { return width_; }                 // B
  int patch() const { return patch_; }                 // edge in voxels, a multiple of 16
  int feature_channels() const { return 4 * width_; }  // of every scale
  std::size_t parameters() const;                      // numbers in all

  // A line per tensor: name, shape, CRC-32 of its float32 values. Equal for the same weights however stored.
  std::string digest() const;

 private:
  std::map<std::string, TensorView> tensors_;
  std::deque<std::vector<float>> converted_;
  std::shared_ptr<const void> storage_;
  int width_ = 0, patch_ = 0;
};

}  // namespace medlsam
