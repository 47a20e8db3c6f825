// Template points, the supports' features at each annotation point (algorithm.md part 4), and their file.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "checkpoints/checkpoint.hpp"

namespace medlsam {

inline constexpr int kScales = 3;
inline constexpr std::array<int, kScales> kKernelSize = {2, 4, 8};  // voxels of the scale's feature map

// How a file keeps the larger two kernels.
enum class KernelType : std::uint8_t { kFloat16, kInt4 };

// The file has the tensors `positions` F32 (n, 3), `supports` I32 (n), `agreement` F32 (n), `kernel0` F32 and
// `kernel1`, `kernel2` F16 (n, channels, size, size, size). Half precision changes a similarity by less than
// 1e-4 and limits a point at width 24 to 111 KB; the smallest kernel, whose rounding errors would not average
// out, is small anyway. In four bits a value (packed_kernels.hpp) they are U8 (n, channels, size, size, size
// / 2) with `scale1`, `scale2` F32 (n, channels), in two sevenths of the room.
class Templates {
 public:
  // `points` empty points for a network with this many feature channels.
  Templates(std::size_t points, int channels);

  // Maps a file; kernels are read on demand. Throws kBadTemplates, kFileNotFound, kReadFailed.
  static std::unique_ptr<Templates> open(const std::string& path);

  // The points of several templates of one network, in their order, which supports can be added to: what
  // files keep is taken up again, so that a point to which nothing is added is written with the same bytes.
  // Throws kBadTemplates for other numbers of channels.
  static std::unique_ptr<Templates> join(std::span<const std::shared_ptr<Templates>> parts);

  std::size_t points() const { return supports_.size(); }
  int channels() const { return channels_; }
  // The file's; of those that were joined, the first one's; half precision otherwise.
  KernelType kernel_type() const { return type_; }
  const std::map<std::string, std::string>& metadata() const { return file_.metadata; }

  // Adds one support to a point: its position and its (channels, edge³) features, edge = patch >> (2 −
  // scale). Not for a mapped file. Several threads may fill different points.
  void add(std::size_t point, const float* position, const std::array<const float*, kScales>& features,
           int patch);

  // The same with the support's kernels (channels, size³), as add_template_kernel makes them, in the place of
  // its features.
  void add_kernels(std::size_t point, const float* position,
                   const std::array<const float*, kScales>& kernels);

  std::vector<float> positions() const;  // (n, 3): means over supports
  const std::vector<std::int32_t>& supports() const { return supports_; }
  // Mean cosine between two supports at the point, over all scales; NaN with fewer than two supports.
  std::vector<float> agreement() const;

  std::size_t kernel_elements(int scale) const;
  void kernel(std::size_t point, int scale, std::span<float> out) const;  // the sum over supports

  // Throws kWriteFailed. An existing file stays until the new one is whole.
  void write(const std::string& path, const std::map<std::string, std::string>& metadata,
             KernelType type = KernelType::kFloat16) const;

 private:
  Templates() = default;

  // Kernels of a scale as a file keeps them.
  struct StoredKernels {
    std::vector<std::uint16_t> halves;  // or
    std::vector<std::uint8_t> packed;
    std::vector<float> scales;
  };

  StoredKernels store(int scale, KernelType type) const;
  void take_over(const Templates& part, std::size_t first);  // into its points from `first` on

  int channels_ = 0;
  KernelType type_ = KernelType::kFloat16;
  std::vector<std::int32_t> supports_;
  std::vector<double> position_sums_;                // while being filled
  std::array<std::vector<float>, kScales> kernels_;  // while being filled
  // While being filled: of points from a file that got no support since. The kernels' rounding would change
  // it.
  std::vector<std::optional<float>> kept_agreement_;
  std::vector<float> positions_, agreement_;  // if from a file
  Checkpoint file_;
};

}  // namespace medlsam
