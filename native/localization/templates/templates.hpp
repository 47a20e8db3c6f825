// Template points, the supports' features at each annotation point (algorithm.md part 4), and their file.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "checkpoints/checkpoint.hpp"

namespace medlsam {

inline constexpr int kScales = 3;
inline constexpr std::array<int, kScales> kKernelSize = {2, 4, 8};  // voxels of the scale's feature map

// The file has the tensors `positions` F32 (n, 3), `supports` I32 (n), `agreement` F32 (n), `kernel0` F32 and
// `kernel1`, `kernel2` F16 (n, channels, size, size, size). Half precision changes a similarity by less than
// 1e-4 and limits a point at width 24 to 111 KB; the smallest kernel, whose rounding errors would not average
// out, is small anyway.
class Templates {
 public:
  // `points` empty points for a network with this many feature channels.
  Templates(std::size_t points, int channels);

  // Maps a file; kernels are read on demand. Throws kBadTemplates, kFileNotFound, kReadFailed.
  static std::unique_ptr<Templates> open(const std::string& path);

  std::size_t points() const { return supports_.size(); }
  int channels() const { return channels_; }
  const std::map<std::string, std::string>& metadata() const { return file_.metadata; }

  // Adds one support to a point: its position and its (channels, edge³) features, edge = patch >> (2 −
  // scale). Not for a mapped file. Several threads may fill different points.
  void add(std::size_t point, const float* position, const std::array<const float*, kScales>& features,
           int patch);

  std::vector<float> positions() const;  // (n, 3): means over supports
  const std::vector<std::int32_t>& supports() const { return supports_; }
  // Mean cosine between two supports at the point, over all scales; NaN with fewer than two supports.
  std::vector<float> agreement() const;

  std::size_t kernel_elements(int scale) const;
  void kernel(std::size_t point, int scale, std::span<float> out) const;  // the sum over supports

  // Throws kWriteFailed. An existing file stays until the new one is whole.
  void write(const std::string& path, const std::map<std::string, std::string>& metadata) const;

 private:
  Templates() = default;

  int channels_ = 0;
  std::vector<std::int32_t> supports_;
  std::vector<double> position_sums_;                // while being filled
  std::array<std::vector<float>, kScales> kernels_;  // while being filled
  std::vector<float> positions_, agreement_;         // if from a file
  Checkpoint file_;
};

}  // namespace medlsam
