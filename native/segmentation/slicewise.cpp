#include "segmentation/slicewise.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "base/executor.hpp"
#include "segmentation/slice_source.hpp"

namespace medlsam {
namespace {

// One slice is prepared and one decoded while another is encoded, which takes longest. Preparing and decoding
// are loops of one index that a free thread of the executor takes on, or this one when it needs what they
// make.
class Pipeline {
 public:
  Pipeline(SamModel& sam, SliceSource& source, const SlicePlan& plan, ScanMasks& masks, const Task& task)
      : sam_(sam),
        source_(source),
        plan_(plan.slices),
        complete_after_(plan.complete_after),
        masks_(masks),
        task_(task) {}

  SliceWork run() {
    begin(preparing_, [this] { prepare(0); });
    for (std::size_t i = 0; i < plan_.size(); ++i) {
      preparing_->finish();
      const Tensor picture = std::exchange(picture_, {});
      if (i + 1 < plan_.size()) begin(preparing_, [this, i] { prepare(i + 1); });
      Tensor embedding = encode(picture);
      if (decoding_) decoding_->finish();
      embedding_ = std::move(embedding);
      begin(decoding_, [this, i] { decode(i); });
    }
    decoding_->finish();
    return work_;
  }

 private:
  void begin(std::optional<Executor::Loop>& stage, std::function<void()> work) {
    stage.emplace(executor(), 1, task_.threads > 1 && source_.is_concurrent() ? 1 : 0,
                  [work = std::move(work)](std::size_t, std::size_t) { work(); });
  }

  // Fills picture_ from slice i of the plan.
  void prepare(std::size_t i) {
    task_.check();
    const auto start = Clock::now();
    picture_ = source_.picture(plan_[i].slice, task_);
    work_.prepare_seconds += seconds_since(start);
  }

  Tensor encode(const Tensor& picture) {
    const auto start = Clock::now();
    Tensor embedding = sam_.encode(picture, task_);
    work_.encode_seconds += seconds_since(start);
    ++work_.encoder_runs;
    return embedding;
  }

  // Fills the masks of slice i of the plan from embedding_.
  void decode(std::size_t i) {
    const auto start = Clock::now();
    const SlicePrompts& slice = plan_[i];
    for (const auto& [kind, prompts] : batches(slice)) decode_batch(slice, prompts);
    source_.finish(slice.slice, masks_, task_);
    if (completes_organ(i)) source_.deliver(masks_, task_);
    work_.prompts += slice.prompts.size();
    work_.decode_seconds += seconds_since(start);
    task_.report(i + 1, plan_.size());
  }

  bool completes_organ(std::size_t i) const {
    return std::ranges::any_of(plan_[i].prompts, [&](const SlicePrompt& prompt) {
      return complete_after_[prompt.organ] == static_cast<std::int32_t>(i + 1);
    });
  }

  // Prompts that one batch of the decoder can hold: those of as many tokens, one mask or several for each.
  using Kind = std::pair<bool, std::size_t>;
  static std::map<Kind, std::vector<const SlicePrompt*>> batches(const SlicePrompts& slice) {
    std::map<Kind, std::vector<const SlicePrompt*>> found;
    for (const SlicePrompt& prompt : slice.prompts)
      found[{prompt.box.has_value(), prompt.points.size()}].push_back(&prompt);
    return found;
  }

  void decode_batch(const SlicePrompts& slice, const std::vector<const SlicePrompt*>& prompts) {
    std::vector<SamPrompt> asked;
    std::vector<std::size_t> organs;
    for (const SlicePrompt* prompt : prompts) {
      asked.push_back({prompt->points, prompt->box});
      organs.push_back(prompt->organ);
    }
    const bool ambiguous = !asked.front().box && asked.front().points.size() == 1;
    sam_.decode_batches(embedding_, asked, nullptr, ambiguous, task_,
                        [&](std::int64_t first, const SamMasks& found) {
                          const auto of = std::span(organs).subspan(first, found.ious.shape()[0]);
                          source_.decode(slice.slice, found, of, masks_, task_);
                        });
  }

  SamModel& sam_;
  SliceSource& source_;
  std::span<const SlicePrompts> plan_;
  std::span<const std::int32_t> complete_after_;
  ScanMasks& masks_;
  const Task& task_;
  SliceWork work_;  // each stage writes fields of its own
  Tensor picture_, embedding_;
  std::optional<Executor::Loop> preparing_, decoding_;  // destroyed, and ended, before what they use
};

}  // namespace

SlicePlan plan_slices(std::span<const OrganPrompt> organs, const SliceLayout& layout, std::int64_t edge,
                      const std::vector<std::int64_t>* only) {
  SlicePlan plan{plan_prompts(organs, layout, edge), std::vector<std::int32_t>(organs.size(), 0)};
  if (only != nullptr) {
    std::erase_if(plan.slices, [only](const SlicePrompts& slice) {
      return std::find(only->begin(), only->end(), slice.slice) == only->end();
    });
  }
  for (std::size_t i = 0; i < plan.slices.size(); ++i) {
    for (const SlicePrompt& prompt : plan.slices[i].prompts)
      plan.complete_after[prompt.organ] = static_cast<std::int32_t>(i + 1);
  }
  return plan;
}

SliceWork segment_slices(SamModel& sam, const Volume& volume, Conventions conventions, const SlicePlan& plan,
                         ScanMasks& masks, MaskLevels levels, const Task& task) {
  if (volume.shape != masks.shape)
    throw Error(ErrorCode::kBadArgument, "The masks are of a volume of another shape.");
  if (plan.slices.empty()) return {};
  const std::int64_t edge = sam.weights().image_size(), logits_edge = 4 * sam.weights().grid();
  const MaskSampling sampling =
      conventions == Conventions::kReference ? MaskSampling::kCorners : sam.weights().mask_sampling();
  const auto source = open_slices({&volume, masks.layout, conventions, edge, logits_edge, sampling, levels},
                                  sam.device(), task);
  return Pipeline(sam, *source, plan, masks, task).run();
}

}  // namespace medlsam
