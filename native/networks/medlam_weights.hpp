#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "networks/parameters.hpp"

namespace medlsam {

// r of algorithm.md part 2, mm in (z, y, x): r·tanh of the difference of two patches' positions is their
// offset.
inline constexpr std::array<double, 3> kReach = {1500, 600, 600};

// A tensor that only MedLAM has: where it is found is where the network is.
inline constexpr std::string_view kMedLamKnownTensor = "conv0_1.model.conv1_1.Conv.bias";

struct NamedShape {
  std::string name;
  std::vector<std::int64_t> shape;
};

// Names and shapes of the tensors of a MedLAM of base width `width` for patches of `patch` voxels; every bias
// follows its weight.
std::vector<NamedShape> medlam_tensors(std::int64_t width, std::int64_t patch);

// MedLAM's parameters, and the sizes they give the network.
class MedLamWeights {
 public:
  // Reads base width and patch size from the tensors and checks every tensor the network needs. Throws
  // kBadCheckpoint naming the tensor, the shape found and the shape wanted; `path` is what messages call the
  // file.
  MedLamWeights(const Checkpoint& checkpoint, const std::string& path);

  const TensorView& at(const std::string& name) const { return parameters_.at(name); }
  const std::map<std::string, TensorView>& tensors() const { return parameters_.tensors(); }
  std::map<std::string, TensorView> all() const { return parameters_.all(); }
  int width() const { return width_; }                 // B
  int patch() const { return patch_; }                 // edge in voxels, a multiple of 16
  int feature_channels() const { return 4 * width_; }  // of every scale
  std::size_t parameters() const { return parameters_.count(); }
  std::string digest() const { return parameters_.digest(); }

 private:
  Parameters parameters_;
  int width_ = 0, patch_ = 0;
};

}  // namespace medlsam
