// The input of one step of SAM's training: slices, and on each the boxes and masks of some organs.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "training_data/annotated_scan.hpp"
#include "training_data/random.hpp"

namespace medlsam::training {

struct SamExample {
  std::vector<float> pixels;   // (S, S), 0 … 255
  std::vector<float> boxes;    // (prompts, 4): left, top, right, bottom in pixels of the S×S slice
  std::vector<float> targets;  // (prompts, L, L): the part of each logit's area that is the organ

  std::int64_t prompts() const { return static_cast<std::int64_t>(boxes.size() / 4); }
};

using SamBatch = std::vector<SamExample>;

struct SamDrawing {
  std::int64_t edge = 1024;   // S
  std::int64_t logits = 256;  // L
  std::int64_t batch = 1;     // slices
  std::int64_t prompts = 8;   // on one slice, at most
  double jitter = 4;          // deviation of every bound in mm
};

// Draws slices so that every organ of a scan comes as often as any other, however long. A box is that of the
// organ in the scan (as Whole-Patch Localization gives), in some slices about this one (Sub-Patch) or on this
// slice alone; then every bound gets a normal error. Some prompts are of organs that end just before the
// slice: their target is empty. Intensities are scaled, shifted and made noisy, each half of the time. An
// example for which `wanted` is false has its boxes alone; all else is the same.
SamBatch draw_sam_batch(
    std::span<const AnnotatedScan> scans, const SamDrawing& drawing, Random random,
    const std::function<bool(std::int64_t example)>& wanted = [](std::int64_t) { return true; });

// A slice as it is, with all its organs and their boxes in the scan, not jittered.
SamExample clean_example(const AnnotatedScan& scan, std::int64_t slice, const SamDrawing& drawing);

}  // namespace medlsam::training
