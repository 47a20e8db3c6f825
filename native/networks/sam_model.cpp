#include "networks/sam_model.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/parallel.hpp"

namespace medlsam {
namespace {

// Prompts in memory at a time: the last layers want 50 MB for each at SAM's usual sizes.
constexpr std::int64_t kPromptsAtOnce = 8;

void expect_shape(const Tensor& tensor, const Shape& wanted, const char* what) {
  if (tensor.shape() != wanted) {
    throw Error(ErrorCode::kBadArgument, std::string(what) + " of shape " + shape_text(tensor.shape()) +
                                             ", wanted " + shape_text(wanted) + '.');
  }
}

}  // namespace

Network& SamModel::network(SamPart part) {
  std::lock_guard lock(mutex_);
  auto& slot = networks_.at(static_cast<std::size_t>(part));
  if (!slot) slot = compile_(sam_graph(*weights_, part), weights_->all());
  return *slot;
}

Tensor SamModel::encode(const Tensor& slices, const Task& task) {
  const std::int64_t size = weights_->image_size();
  expect_shape(slices, {slices.shape().empty() ? 1 : slices.shape()[0], 1, size, size}, "Slices");
  return run_rows(
             slices,
             [&](const Tensor& some) { return network(SamPart::kEncoder).run(std::span(&some, 1), task); })
      .at(0);
}

SamMasks SamModel::decode(const Tensor& embedding, const std::vector<SamPrompt>& prompts,
                          const Tensor* mask_prompts, bool multimask, const Task& task) {
  const auto count = static_cast<std::int64_t>(prompts.size());
  const std::int64_t masks = multimask ? weights_->mask_tokens() - 1 : 1, edge = 4 * weights_->grid();
  std::vector<float> logits(static_cast<std::size_t>(count * masks * edge * edge));
  std::vector<float> ious(static_cast<std::size_t>(count * masks));
  decode_batches(embedding, prompts, mask_prompts, multimask, task,
                 [&](std::int64_t first, const SamMasks& some) {
                   const Tensor found = some.logits.to_host(), found_ious = some.ious.to_host();
                   std::copy_n(found.floats(), found.elements(), &logits[first * masks * edge * edge]);
                   std::copy_n(found_ious.floats(), found_ious.elements(), &ious[first * masks]);
                 });
  return {Tensor::on_host(std::move(logits), {count, masks, edge, edge}),
          Tensor::on_host(std::move(ious), {count, masks})};
}

void SamModel::decode_batches(const Tensor& embedding, const std::vector<SamPrompt>& prompts,
                              const Tensor* mask_prompts, bool multimask, const Task& task,
                              const UseMasks& use) {
  const std::int64_t channels = weights_->channels(), grid = weights_->grid();
  expect_shape(embedding, {1, channels, grid, grid}, "An embedding");
  const Tensor tokens = prompt_tokens(*weights_, prompts);
  const std::int64_t count = tokens.shape()[0];
  if (mask_prompts != nullptr) expect_shape(*mask_prompts, {count, 1, 4 * grid, 4 * grid}, "Mask prompts");
  Network& decoder = network(multimask ? SamPart::kMultimaskDecoder : SamPart::kDecoder);
  const auto run = [&](std::int64_t first, std::int64_t some, const Task& part) {
    Tensor dense =
        Tensor::on_host(weights_->values("prompt_encoder.no_mask_embed.weight"), {1, channels, 1, 1});
    if (mask_prompts != nullptr) {
      const Tensor given = mask_prompts->slice(first, first + some);
      dense = network(SamPart::kMaskPrompt).run(std::span(&given, 1), part).at(0);
    }
    const Tensor inputs[] = {embedding, tokens.slice(first, first + some), dense};
    auto found = decoder.run(inputs, part);
    use(first, {std::move(found.at(0)), std::move(found.at(1))});
  };
  if (!decoder.device().is_cpu()) {
    prompts_at_once_.run(count, [&](std::int64_t first, std::int64_t some) { run(first, some, task); });
    return;
  }
  // Batches side by side share the threads out: less waiting than for all threads in each of many small
  // steps.
  const std::int64_t batch = std::min(decoder.best_batch(), kPromptsAtOnce),
                     batches = (count + batch - 1) / batch;
  const auto beside = static_cast<unsigned>(std::min(kPromptsAtOnce / batch, batches));
  Task across = task, part = task;
  across.threads = std::min(task.threads, beside);
  part.threads = std::max(1U, task.threads / std::max(1U, across.threads));
  parallel_for(across, static_cast<std::size_t>(batches), [&](std::size_t i, std::size_t) {
    const std::int64_t first = static_cast<std::int64_t>(i) * batch;
    run(first, std::min(batch, count - first), part);
  });
}

}  // namespace medlsam
