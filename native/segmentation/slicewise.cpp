#include "segmentation/slicewise.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/channel.hpp"
#include "base/parallel.hpp"
#include "segmentation/masks/decode.hpp"
#include "segmentation/slices/resize.hpp"
#include "segmentation/slices/window.hpp"

namespace medlsam {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A slice on its way through the stages, with its place in the plan.
struct Picture {
  std::size_t index;
  std::vector<float> pixels;  // S × S, 0 … 255
};
struct Encoded {
  std::size_t index;
  Array embedding;
};

// The first failure of any stage.
class Failure {
 public:
  void keep() {
    std::lock_guard lock(mutex_);
    if (!error_) error_ = std::current_exception();
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
};

class Pipeline {
 public:
  Pipeline(SamModel& sam, const Volume& volume, const Window& window, std::span<const SlicePrompts> plan,
           ScanMasks& masks, const Task& task)
      : sam_(sam), volume_(volume), window_(window), plan_(plan), masks_(masks), task_(task) {}

  SliceWork run() {
    {
      const std::jthread preparing([this] { guard([this] { prepare(); }); });
      // Should the second thread not start, the first must not wait for it. Else it has ended by then.
      const Closing closing(*this);
      const std::jthread decoding([this] { guard([this] { decode(); }); });
      guard([this] { encode(); });
    }
    failure_.rethrow();
    return work_;
  }

 private:
  struct Closing {
    explicit Closing(Pipeline& pipeline) : pipeline_(pipeline) {}
    ~Closing() { pipeline_.close_channels(); }
    Pipeline& pipeline_;
  };

  void close_channels() {
    pictures_.close();
    encoded_.close();
  }

  // A stage that fails closes both channels: its neighbours finish what they hold and end too.
  template <class Stage>
  void guard(Stage&& stage) {
    try {
      stage();
    } catch (...) {
      failure_.keep();
      close_channels();
    }
  }

  void prepare() {
    const SliceLayout& layout = masks_.layout;
    const std::int64_t edge = sam_.weights().image_size();
    SliceResizer resizer(layout.height, layout.width, edge);
    std::vector<std::uint8_t> slice(layout.pixels()), resized(edge * edge);
    for (std::size_t i = 0; i < plan_.size(); ++i) {
      task_.check();
      const auto start = Clock::now();
      window_slice(volume_, layout, plan_[i].slice, window_, slice);
      resizer.resize(slice, resized);
      Picture picture{i, {resized.begin(), resized.end()}};
      work_.prepare_seconds += seconds_since(start);
      if (!pictures_.put(std::move(picture))) return;
    }
    pictures_.close();
  }

  void encode() {
    const std::int64_t edge = sam_.weights().image_size();
    while (const auto picture = pictures_.take()) {
      const auto start = Clock::now();
      Encoded encoded{picture->index,
                      sam_.encode({picture->pixels.data(), {1, 1, edge, edge}, nullptr}, task_)};
      work_.encode_seconds += seconds_since(start);
      ++work_.encoder_runs;
      if (!encoded_.put(std::move(encoded))) return;
    }
    encoded_.close();
  }

  void decode() {
    const SliceLayout& layout = masks_.layout;
    const std::int64_t logits_edge = 4 * sam_.weights().grid();
    const MaskDecoder decoder(logits_edge, sam_.weights().image_size(), layout.height, layout.width);
    for (std::size_t done = 0; const auto encoded = encoded_.take();) {
      const auto start = Clock::now();
      const SlicePrompts& slice = plan_[encoded->index];
      for (const auto& [kind, prompts] : batches(slice)) decode_batch(slice, *encoded, prompts, decoder);
      work_.prompts += slice.prompts.size();
      work_.decode_seconds += seconds_since(start);
      task_.report(++done, plan_.size());
    }
  }

  // Prompts that one batch of the decoder can hold: those of as many tokens, one mask or several for each.
  using Kind = std::pair<bool, std::size_t>;
  static std::map<Kind, std::vector<const SlicePrompt*>> batches(const SlicePrompts& slice) {
    std::map<Kind, std::vector<const SlicePrompt*>> found;
    for (const SlicePrompt& prompt : slice.prompts)
      found[{prompt.box.has_value(), prompt.points.size()}].push_back(&prompt);
    return found;
  }

  void decode_batch(const SlicePrompts& slice, const Encoded& encoded,
                    const std::vector<const SlicePrompt*>& prompts, const MaskDecoder& decoder) {
    std::vector<SamPrompt> asked;
    for (const SlicePrompt* prompt : prompts) asked.push_back({prompt->points, prompt->box});
    const bool ambiguous = !asked.front().box && asked.front().points.size() == 1;
    const SamMasks found = sam_.decode(encoded.embedding, asked, nullptr, ambiguous, task_);
    const std::int64_t each = found.ious.shape[1];
    const std::size_t pixels = static_cast<std::size_t>(found.logits.shape[2] * found.logits.shape[3]);
    parallel_for(task_, prompts.size(), [&](std::size_t i, std::size_t) {
      const float* ious = found.ious.data + static_cast<std::int64_t>(i) * each;
      const std::int64_t best = std::max_element(ious, ious + each) - ious;
      const std::size_t mask = i * static_cast<std::size_t>(each) + static_cast<std::size_t>(best);
      const SliceLayout& layout = masks_.layout;
      std::vector<float> probabilities(layout.pixels());
      decoder.decode({found.logits.data + mask * pixels, pixels}, probabilities);
      masks_.organs.at(prompts[i]->organ).slices[slice.slice] =
          crop_mask(probabilities, layout.height, layout.width);
    });
  }

  SamModel& sam_;
  const Volume& volume_;
  const Window& window_;
  std::span<const SlicePrompts> plan_;
  ScanMasks& masks_;
  const Task& task_;
  // Each stage writes fields of its own.
  SliceWork work_;
  Failure failure_;
  Channel<Picture> pictures_{1};
  Channel<Encoded> encoded_{1};
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

SliceWork segment_slices(SamModel& sam, const Volume& volume, Conventions conventions,
                         std::span<const SlicePrompts> plan, ScanMasks& masks, const Task& task) {
  if (volume.shape != masks.shape)
    throw Error(ErrorCode::kBadArgument, "The masks are of a volume of another shape.");
  if (plan.empty()) return {};
  const Window window = slice_window(volume, conventions, task);
  return Pipeline(sam, volume, window, plan, masks, task).run();
}

}  // namespace medlsam
