#pragma once

#include <array>
#include <string>
#include <vector>

#include "networks/mask_sampling.hpp"
#include "networks/parameters.hpp"

namespace medlsam {

// Mean and deviation of the three channels that SAM's pixels are normalized by, 0 … 255.
inline constexpr std::array<double, 3> kSamMean = {123.675, 116.28, 103.53};
inline constexpr std::array<double, 3> kSamDeviation = {58.395, 57.12, 57.375};

inline constexpr int kSamDecoderHeads = 8;  // in every published SAM; no tensor tells it

// The metadata of a checkpoint whose masks are to be read in the pixels' middles.
inline constexpr const char *kMaskSampling = "mask_sampling", *kCenters = "centers";

// Sizes that a JSON next to a SAM checkpoint, of the same stem, may state.
struct SamGeometry {
  int heads = 0, window = 0;
  std::vector<int> global_blocks;
};

// SAM's parameters as float32 under their official names, and its sizes. All of these can be read from the
// tensors: a relative-position table has 2·extent − 1 rows of one head's width, extent being the window of a
// window block and the whole grid in a global block.
class SamWeights {
 public:
  // Throws kBadCheckpoint naming the tensor, the shape found and the shape wanted, or saying what `stated`
  // (may be null) and the tensors disagree about; `path` is what messages call the file.
  SamWeights(const Checkpoint& checkpoint, const std::string& path, const SamGeometry* stated = nullptr);

  int image_size() const { return grid_ * patch_; }  // S: the edge of a slice in pixels
  int patch() const { return patch_; }
  int grid() const { return grid_; }    // the edge of the embedding, in patches
  int width() const { return width_; }  // of the encoder
  int depth() const { return static_cast<int>(windows_.size()); }
  int heads() const { return heads_; }
  int window(int block) const { return windows_.at(block); }  // its edge in patches; 0: a global block
  int channels() const { return channels_; }                  // of embedding and prompts
  int decoder_depth() const { return decoder_depth_; }
  int mask_tokens() const { return mask_tokens_; }  // token 0 for one mask, the others for several
  std::size_t parameters() const { return parameters_.count(); }

  const TensorView& at(const std::string& name) const { return parameters_.at(name); }
  const std::map<std::string, TensorView>& tensors() const { return parameters_.tensors(); }
  std::map<std::string, TensorView> all() const { return parameters_.all(); }
  const float* values(const std::string& name) const { return parameters_.values(name); }
  // kCenters where the file's metadata says so (kMaskSampling); what was trained here does.
  MaskSampling mask_sampling() const { return mask_sampling_; }
  std::string digest() const;

  // Beside the official names, `at` knows what was computed from them:
  //   folded.patch.weight (width, patch²), .bias   embeds a patch of a gray slice in 0 … 255: the
  //   normalization (6.2)
  //                                                and three equal channels are folded into the convolution
  //   folded.upscale.0, .3 .weight (4·out, in), .bias   transposed convolutions as linear maps to the four
  //   pixels
  //                                                     (row, column, channel) that each pixel becomes
  //   folded.downscale.3.weight (out, 4·in)        a strided convolution as a linear map of (row, column,
  //   channel) folded.positions (grid², channels)           the positional encoding of the embedding's cells

 private:
  void read_mask_sampling(const Checkpoint& checkpoint);
  void read_encoder();
  void read_block(const std::string& root);
  void read_prompt_encoder();
  void read_decoder();
  void read_linear(const std::string& name, std::int64_t out, std::int64_t in);
  void read_norm(const std::string& name, std::int64_t channels);
  void read_attention(const std::string& name, std::int64_t inner);
  void read_mlp(const std::string& name, std::int64_t out);
  void compare(const SamGeometry& stated) const;
  void fold_patch_embedding();
  void fold_upscaling(int layer);
  void fold_downscaling();
  void fold_positions();

  Parameters parameters_;
  int patch_ = 0, grid_ = 0, width_ = 0, heads_ = 0, channels_ = 0, decoder_depth_ = 0, mask_tokens_ = 0;
  std::vector<int> windows_;
  MaskSampling mask_sampling_ = MaskSampling::kCorners;
};

}  // namespace medlsam
