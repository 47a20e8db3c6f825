#include "training_data/sam_batch.hpp"

#include <algorithm>
#include <utility>

#include "segmentation/slices/prompts.hpp"
#include "segmentation/slices/resize.hpp"

namespace medlsam::training {
namespace {

constexpr double kChance = 0.5;
constexpr double kWhole = 0.5, kPart = 0.25;            // what a box is of; else of the slice alone
constexpr double kEmpty = 0.1;                          // prompts on a slice beyond the organ
constexpr float kGain = 0.1f, kShift = 10, kNoise = 6;  // of grey levels
constexpr std::int64_t kMostParts = 6;                  // that Sub-Patch Localization cuts an organ into

// Output o is the mean of the input over the o-th of `output` equal pieces.
AxisOperator area_mean(std::int64_t input, std::int64_t output) {
  AxisOperator op;
  const double step = static_cast<double>(input) / static_cast<double>(output);
  for (std::int64_t o = 0; o < output; ++o) {
    std::vector<double> row(static_cast<std::size_t>(input));
    const double from = static_cast<double>(o) * step, to = from + step;
    for (auto i = static_cast<std::int64_t>(from); i < input && static_cast<double>(i) < to; ++i) {
      const double covered =
          std::min(to, static_cast<double>(i + 1)) - std::max(from, static_cast<double>(i));
      row[i] = std::max(covered, 0.0) / step;
    }
    op.add_row(row, 1e-6);
  }
  return op;
}

// Slices of one scan, brought to SAM's sizes.
class Sizes {
 public:
  Sizes(const AnnotatedScan& scan, const SamDrawing& drawing)
      : scan_(scan),
        drawing_(drawing),
        resizer_(scan.height(), scan.width(), drawing.edge),
        rows_(area_mean(scan.height(), drawing.logits)),
        columns_(area_mean(scan.width(), drawing.logits)) {}

  std::vector<float> pixels(std::span<const std::uint8_t> slice) {
    std::vector<std::uint8_t> resized(static_cast<std::size_t>(drawing_.edge * drawing_.edge));
    resizer_.resize(slice, resized);
    return {resized.begin(), resized.end()};
  }

  // Appends the organ's target on the slice, (L, L).
  void target(std::int64_t slice, std::int64_t organ, std::vector<float>& targets) {
    const std::int64_t height = scan_.height(), width = scan_.width(), edge = drawing_.logits;
    const auto labels = scan_.labels(slice);
    mask_.resize(labels.size());
    std::transform(labels.begin(), labels.end(), mask_.begin(),
                   [&](std::uint8_t label) { return static_cast<std::uint8_t>(label == organ + 1); });
    // Operators work across rows.
    across_.resize(static_cast<std::size_t>(width * height));
    narrow_.resize(static_cast<std::size_t>(edge * height));
    rows_first_.resize(static_cast<std::size_t>(height * edge));
    transpose(mask_.data(), height, width, across_.data());
    apply_operator(columns_, across_.data(), narrow_.data(), height, height);
    transpose(narrow_.data(), edge, height, rows_first_.data());
    const std::size_t begin = targets.size();
    targets.resize(begin + static_cast<std::size_t>(edge * edge));
    apply_operator(rows_, rows_first_.data(), targets.data() + begin, edge, edge);
  }

 private:
  const AnnotatedScan& scan_;
  const SamDrawing& drawing_;
  SliceResizer resizer_;
  AxisOperator rows_, columns_;
  std::vector<std::uint8_t> mask_;
  std::vector<float> across_, narrow_, rows_first_;
};

// The extent as segmentation prompts with it.
PromptBox to_prompt(const SliceExtent& extent, const AnnotatedScan& scan, std::int64_t edge) {
  const SliceLayout layout = {{0, 1, 2}, 1, scan.height(), scan.width(), {}};
  return box_prompt({{0, extent.top, extent.left}, {0, extent.bottom, extent.right}}, layout, edge);
}

void jitter(PromptBox& box, const AnnotatedScan& scan, const SamDrawing& drawing, Random& random) {
  const auto pixels = [&](std::int64_t length, double spacing) {
    return static_cast<float>(drawing.jitter / spacing * static_cast<double>(drawing.edge) /
                              static_cast<double>(length));
  };
  const float x = pixels(scan.width(), scan.spacing()[2]), y = pixels(scan.height(), scan.spacing()[1]);
  for (std::size_t i = 0; i < 4; ++i) box[i] += random.normal() * (i % 2 == 0 ? x : y);
  for (std::size_t i = 0; i < 2; ++i) {
    if (box[i] > box[i + 2]) std::swap(box[i], box[i + 2]);
  }
}

// The organ's slices in a run about the one nearest to `slice`.
std::span<const std::int64_t> run_about(const std::vector<std::int64_t>& slices, std::int64_t slice,
                                        Random& random) {
  const auto count = static_cast<std::int64_t>(slices.size());
  const std::int64_t length = std::max<std::int64_t>(1, count / (1 + random.below(kMostParts)));
  const auto after = std::lower_bound(slices.begin(), slices.end(), slice) - slices.begin();
  const std::int64_t middle = std::min<std::int64_t>(after, count - 1);
  const std::int64_t first = middle - random.below(length);
  const std::int64_t begin = std::clamp<std::int64_t>(first, 0, count - length);
  return std::span(slices).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(length));
}

PromptBox draw_box(const AnnotatedScan& scan, std::int64_t slice, std::int64_t organ,
                   const SamDrawing& drawing, Random& random) {
  const auto& slices = scan.slices_of(organ);
  const auto here = scan.extent(slice, organ);
  const double kind = random.uniform();
  SliceExtent extent{};
  if (kind < kWhole) {
    extent = scan.extent_over(slices, organ);
  } else if (kind < kWhole + kPart || !here) {
    extent = scan.extent_over(run_about(slices, slice, random), organ);
  } else {
    extent = *here;
  }
  PromptBox box = to_prompt(extent, scan, drawing.edge);
  jitter(box, scan, drawing, random);
  return box;
}

// Whether the organ ends off the slice, but so near that a box with an error may reach it.
bool ends_nearby(const AnnotatedScan& scan, std::int64_t slice, std::int64_t organ, double jitter) {
  const auto& slices = scan.slices_of(organ);
  if (slices.empty() || scan.extent(slice, organ)) return false;
  const std::int64_t place = scan.place(slice);
  const std::int64_t beyond = std::max(scan.place(slices.front()) - place, place - scan.place(slices.back()));
  return beyond > 0 && static_cast<double>(beyond) * scan.spacing()[0] <= 2 * jitter;
}

void add_prompt(SamExample& example, const PromptBox& box) {
  example.boxes.insert(example.boxes.end(), box.begin(), box.end());
}

// `organ` and others of the slice in random order, now and then one that ends nearby.
std::vector<std::int64_t> draw_organs(const AnnotatedScan& scan, std::int64_t slice, std::int64_t organ,
                                      const SamDrawing& drawing, Random& random) {
  std::vector<std::int64_t> present, nearby, drawn = {organ};
  for (std::int64_t other = 0; other < scan.organs(); ++other) {
    if (other != organ && scan.extent(slice, other)) present.push_back(other);
    if (ends_nearby(scan, slice, other, drawing.jitter)) nearby.push_back(other);
  }
  while (static_cast<std::int64_t>(drawn.size()) < drawing.prompts) {
    auto& from = random.chance(kEmpty) ? nearby : present;
    if (from.empty() && &from == &present) break;
    if (from.empty()) continue;
    const std::int64_t at = random.below(static_cast<std::int64_t>(from.size()));
    drawn.push_back(from[at]);
    from.erase(from.begin() + at);
  }
  return drawn;
}

// The slice with changes that other scanners, doses and contrast phases would make. Without `wanted` nothing
// is computed, but the same random numbers are drawn.
std::vector<std::uint8_t> draw_intensities(std::span<const std::uint8_t> slice, bool wanted, Random& random) {
  const float gain = random.chance(kChance) ? random.uniform(1 - kGain, 1 + kGain) : 1;
  const float shift = random.chance(kChance) ? random.uniform(-kShift, kShift) : 0;
  const float noise = random.chance(kChance) ? random.uniform(0, kNoise) : 0;
  if (!wanted) {
    if (noise > 0) random.skip(Random::kNormal * slice.size());
    return {};
  }
  std::vector<std::uint8_t> changed(slice.size());
  for (std::size_t i = 0; i < slice.size(); ++i) {
    const float error = noise > 0 ? noise * random.normal() : 0;
    const float value = gain * static_cast<float>(slice[i]) + shift + error;
    changed[i] = static_cast<std::uint8_t>(std::clamp(value, 0.0f, 255.0f));
  }
  return changed;
}

SamExample draw_example(const AnnotatedScan& scan, const SamDrawing& drawing, bool wanted, Random& random) {
  std::vector<std::int64_t> organs;
  for (std::int64_t organ = 0; organ < scan.organs(); ++organ) {
    if (!scan.slices_of(organ).empty()) organs.push_back(organ);
  }
  const std::int64_t organ = organs[random.below(static_cast<std::int64_t>(organs.size()))];
  const auto& slices = scan.slices_of(organ);
  const std::int64_t slice = slices[random.below(static_cast<std::int64_t>(slices.size()))];
  Sizes sizes(scan, drawing);
  SamExample example;
  const std::vector<std::uint8_t> pixels = draw_intensities(scan.pixels(slice), wanted, random);
  if (wanted) example.pixels = sizes.pixels(pixels);
  for (const std::int64_t one : draw_organs(scan, slice, organ, drawing, random)) {
    add_prompt(example, draw_box(scan, slice, one, drawing, random));
    if (wanted) sizes.target(slice, one, example.targets);
  }
  return example;
}

}  // namespace

SamBatch draw_sam_batch(std::span<const AnnotatedScan> scans, const SamDrawing& drawing, Random random,
                        const std::function<bool(std::int64_t)>& wanted) {
  SamBatch batch;
  for (std::int64_t i = 0; i < drawing.batch; ++i) {
    const AnnotatedScan& scan = scans[random.below(static_cast<std::int64_t>(scans.size()))];
    batch.push_back(draw_example(scan, drawing, wanted(i), random));
  }
  return batch;
}

SamExample clean_example(const AnnotatedScan& scan, std::int64_t slice, const SamDrawing& drawing) {
  Sizes sizes(scan, drawing);
  SamExample example;
  example.pixels = sizes.pixels(scan.pixels(slice));
  for (std::int64_t organ = 0; organ < scan.organs(); ++organ) {
    if (!scan.extent(slice, organ)) continue;
    add_prompt(example, to_prompt(scan.extent_over(scan.slices_of(organ), organ), scan, drawing.edge));
    sizes.target(slice, organ, example.targets);
  }
  return example;
}

}  // namespace medlsam::training
