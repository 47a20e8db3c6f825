#include "networks/sam_model.hpp"

#include <span>
#include <string>

namespace medlsam {
namespace {

void expect_shape(const Array& array, const std::vector<std::int64_t>& wanted, const char* what) {
  if (array.shape != wanted) {
    throw Error(ErrorCode::kBadArgument, std::string(what) + " of shape " + shape_text(array.shape) +
                                             ", wanted " + shape_text(wanted) + '.');
  }
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
  Array dense = {weights_->values("prompt_encoder.no_mask_embed.weight"), {1, channels, 1, 1}, nullptr};
  if (mask_prompts != nullptr) {
    expect_shape(*mask_prompts, {tokens.shape[0], 1, 4 * grid, 4 * grid}, "Mask prompts");
    dense = network(SamPart::kMaskPrompt).run(std::span(mask_prompts, 1), task).at(0);
  }
  const Array inputs[] = {embedding, tokens, dense};
  auto outputs = network(multimask ? SamPart::kMultimaskDecoder : SamPart::kDecoder).run(inputs, task);
  return {std::move(outputs.at(0)), std::move(outputs.at(1))};
}

}  // namespace medlsam
