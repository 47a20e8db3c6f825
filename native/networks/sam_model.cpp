#include "networks/sam_model.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace medlsam {
namespace {

// Prompts that run together. The last layers want 50 MB for each at SAM's usual sizes, and from a few on the
// rest gains nothing.
constexpr std::int64_t kPromptsAtOnce = 8;

void expect_shape(const Array& array, const std::vector<std::int64_t>& wanted, const char* what) {
  if (array.shape != wanted) {
    throw Error(ErrorCode::kBadArgument, std::string(what) + " of shape " + shape_text(array.shape) +
                                             ", wanted " + shape_text(wanted) + '.');
  }
}

// A part of an array's first axis.
Array rows(const Array& array, std::int64_t first, std::int64_t count) {
  Array part = {nullptr, array.shape, array.owner};
  part.shape[0] = 1;
  std::int64_t row = 1;
  for (const std::int64_t extent : part.shape) row *= extent;
  part.shape[0] = count;
  part.data = array.data + first * row;
  return part;
}

}  // namespace

Network& SamModel::network(SamPart part) {
  std::lock_guard lock(mutex_);
  auto& slot = networks_.at(static_cast<std::size_t>(part));
  if (!slot) slot = builder_(*weights_, part);
  return *slot;
}

Array SamModel::encode(const Array& slices, const Task& task) {
  const std::int64_t size = weights_->image_size();
  expect_shape(slices, {slices.shape.empty() ? 1 : slices.shape[0], 1, size, size}, "Slices");
  return network(SamPart::kEncoder).run(std::span(&slices, 1), task).at(0);
}

SamMasks SamModel::decode(const Array& embedding, const std::vector<SamPrompt>& prompts,
                          const Array* mask_prompts, bool multimask, const Task& task) {
  const std::int64_t channels = weights_->channels(), grid = weights_->grid();
  expect_shape(embedding, {1, channels, grid, grid}, "An embedding");
  const Array tokens = prompt_tokens(*weights_, prompts);
  const std::int64_t count = tokens.shape[0];
  if (mask_prompts != nullptr) expect_shape(*mask_prompts, {count, 1, 4 * grid, 4 * grid}, "Mask prompts");

  const std::int64_t masks = multimask ? weights_->mask_tokens() - 1 : 1, pixels = 16 * grid * grid;
  auto logits = std::make_shared<std::vector<float>>(count * masks * pixels);
  auto ious = std::make_shared<std::vector<float>>(count * masks);
  for (std::int64_t first = 0; first < count; first += kPromptsAtOnce) {
    const std::int64_t some = std::min(kPromptsAtOnce, count - first);
    Array dense = {weights_->values("prompt_encoder.no_mask_embed.weight"), {1, channels, 1, 1}, nullptr};
    if (mask_prompts != nullptr) {
      const Array given = rows(*mask_prompts, first, some);
      dense = network(SamPart::kMaskPrompt).run(std::span(&given, 1), task).at(0);
    }
    const Array inputs[] = {embedding, rows(tokens, first, some), dense};
    const auto found = network(multimask ? SamPart::kMultimaskDecoder : SamPart::kDecoder).run(inputs, task);
    std::copy_n(found.at(0).data, some * masks * pixels, logits->data() + first * masks * pixels);
    std::copy_n(found.at(1).data, some * masks, ious->data() + first * masks);
  }
  return {{logits->data(), {count, masks, 4 * grid, 4 * grid}, logits}, {ious->data(), {count, masks}, ious}};
}

}  // namespace medlsam
