// A loaded SAM: slices in, embeddings out; an embedding and prompts in, masks out.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "networks/network.hpp"
#include "networks/row_batches.hpp"
#include "networks/sam.hpp"
#include "networks/sam_prompts.hpp"

namespace medlsam {

struct SamMasks {
  Tensor logits;  // (prompts, masks, S/4, S/4); foreground above 0
  Tensor ious;    // (prompts, masks), predicted
};

// Thread-safe: parts are compiled when first asked for and share the weights.
class SamModel {
 public:
  SamModel(std::unique_ptr<const SamWeights> weights, Compile compile)
      : weights_(std::move(weights)), compile_(std::move(compile)) {}

  const SamWeights& weights() const { return *weights_; }

  // Gray slices (n, 1, S, S), values 0 … 255 → (n, channels, S/patch, S/patch).
  Tensor encode(const Tensor& slices, const Task& task);

  // One slice's embedding (1, channels, S/patch, S/patch) and prompts of the same number of points.
  // `mask_prompts` (prompts, 1, S/4, S/4), logits of an earlier run, may be null. One mask for each prompt,
  // or with `multimask` the three of rising extent that SAM offers for one ambiguous point.
  SamMasks decode(const Tensor& embedding, const std::vector<SamPrompt>& prompts, const Tensor* mask_prompts,
                  bool multimask, const Task& task);

  // The same in batches: `use` gets the masks of some prompts from the given one on, where the network left
  // them; on the CPU from several threads. It may get those of a prompt again, after a GPU's memory did not
  // suffice.
  using UseMasks = std::function<void(std::int64_t first, const SamMasks& masks)>;
  void decode_batches(const Tensor& embedding, const std::vector<SamPrompt>& prompts,
                      const Tensor* mask_prompts, bool multimask, const Task& task, const UseMasks& use);

  // The device that its networks compute on.
  Device device() { return network(SamPart::kEncoder).device(); }

 private:
  Network& network(SamPart part);

  // The last layers want 50 MB for each prompt at SAM's usual sizes, and from a few on the rest gains
  // nothing.
  RowBatches prompts_at_once_{8};
  std::unique_ptr<const SamWeights> weights_;
  Compile compile_;
  std::mutex mutex_;
  std::array<std::unique_ptr<Network>, 4> networks_;
};

}  // namespace medlsam
