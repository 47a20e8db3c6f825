#include "torch/bench/scan_agreement.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "phantom/phantom.hpp"
#include "runtimes/cpu/cpu_runtime.hpp"

namespace medlsam::torch {
namespace {

std::string model_file(const std::string& name) {
  const char* folder = std::getenv("MEDLSAM_MODELS");
  return std::string(folder == nullptr ? "models" : folder) + '/' + name;
}

Models demo_models(const Place& place) {
  const std::string medlam = model_file("demo-medlam.safetensors"), sam = model_file("demo-sam.safetensors");
  return {std::make_shared<MedLamModel>(
              std::make_unique<const MedLamWeights>(open_checkpoint(medlam), medlam), place.compile()),
          std::make_shared<SamModel>(std::make_unique<const SamWeights>(open_checkpoint(sam), sam),
                                     place.compile())};
}

constexpr std::int32_t kLiver = 12;  // among the organs of the demo models' templates

struct WallDistances {
  std::size_t walls = 0, near = 0;  // near: within one voxel
  std::int64_t farthest = 0;
};

WallDistances compare_boxes(const Localization& found, const Localization& wanted) {
  WallDistances distances;
  const auto compare = [&](std::int64_t a, std::int64_t b) {
    const std::int64_t apart = std::abs(a - b);
    ++distances.walls;
    distances.near += apart <= 1 ? 1 : 0;
    distances.farthest = std::max(distances.farthest, apart);
  };
  for (std::size_t i = 0; i < found.organs.size(); ++i) {
    for (int a = 0; a < 3; ++a) {
      compare(found.organs[i].box.min[a], wanted.organs[i].box.min[a]);
      compare(found.organs[i].box.max[a], wanted.organs[i].box.max[a]);
    }
  }
  return distances;
}

// Foreground of a slice as one byte a pixel.
std::vector<std::uint8_t> drawn(const SliceMask& mask, const SliceLayout& layout) {
  std::vector<std::uint8_t> pixels(layout.pixels());
  const std::uint16_t* level = mask.levels.data();
  for (std::int64_t y = mask.top; y < mask.top + mask.height; ++y) {
    for (std::int64_t x = mask.left; x < mask.left + mask.width; ++x)
      pixels[y * layout.width + x] = *level++ != 0 ? 1 : 0;
  }
  return pixels;
}

// Dice of all organs together, voxel by voxel.
double dice_of(const ScanMasks& found, const ScanMasks& wanted) {
  double both = 0, sum = 0;
  for (std::size_t organ = 0; organ < found.organs.size(); ++organ) {
    for (std::int64_t slice = 0; slice < found.layout.count; ++slice) {
      const SliceMask &a = found.organs[organ].slices[slice], &b = wanted.organs[organ].slices[slice];
      if (a.empty() && b.empty()) continue;
      const auto first = drawn(a, found.layout), second = drawn(b, found.layout);
      for (std::size_t i = 0; i < first.size(); ++i) {
        both += 2 * (first[i] & second[i]);
        sum += first[i] + second[i];
      }
    }
  }
  return sum == 0 ? 1 : both / sum;
}

}  // namespace

bool check_agreement(const Place& place, bool quick) {
  phantom::ScanOptions scan;
  scan.region = phantom::Region::kAbdomen;
  scan.spacing = {{quick ? 8.0 : 3.0, quick ? 6.0 : 1.5, quick ? 6.0 : 1.5}};
  const Volume volume = phantom::make_phantom(40001, scan, all_threads()).image;
  const auto templates = Templates::open(model_file("demo.templates.safetensors"));
  const std::vector<int> parts(quick ? 1 : templates->points() / kPointsPerPart, 1);
  LocalizeOptions options = options_for(parts);
  options.survey = !quick;
  if (quick) {
    for (std::int32_t& point : options.organs[0].points)
      point += kLiver * static_cast<std::int32_t>(kPointsPerPart);
  }

  const Place cpu{cpu::open_cpu_runtime(""), {}, DType::kF32};
  const Models there = demo_models(place), here = demo_models(cpu);
  const Localization wanted = localize_on(cpu, here, volume, *templates, options);
  const Localization found = localize_on(place, there, volume, *templates, options);
  const WallDistances walls = compare_boxes(found, wanted);
  const double share = static_cast<double>(walls.near) / static_cast<double>(walls.walls);
  std::printf("| walls of %zu boxes within 1 voxel of the CPU's | %.1f %% | farthest %lld voxels |\n",
              found.organs.size(), 100 * share, static_cast<long long>(walls.farthest));

  // Both from the CPU's boxes, on a few slices.
  std::vector<OrganPrompt> prompts;
  for (const FoundOrgan& organ : wanted.organs) {
    if (organ.present) prompts.push_back({{organ.box}, {}});
  }
  std::vector<std::int64_t> slices;
  const std::int64_t step = std::max<std::int64_t>(1, volume.shape[0] / (quick ? 2 : 8));
  for (std::int64_t slice = step / 2; slice < volume.shape[0]; slice += step) slices.push_back(slice);
  const SegmentedScan masks = segment_on(there, volume, prompts, slices);
  const double dice = dice_of(masks.masks, segment_on(here, volume, prompts, slices).masks);
  std::printf("| Dice of %zu organs' masks with the CPU's, %zu slices | %.4f | |\n", prompts.size(),
              masks.encoded, dice);
  std::fflush(stdout);
  return share >= 0.99 && masks.encoded > 0 && walls.farthest <= 2 && dice >= 0.99;
}

}  // namespace medlsam::torch
