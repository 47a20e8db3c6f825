// SAM over a scan, slice by slice (algorithm.md part 6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/conventions.hpp"
#include "networks/sam_model.hpp"
#include "segmentation/masks/scan_masks.hpp"
#include "segmentation/slices/prompts.hpp"

namespace medlsam {

// Counts and seconds of segmenting one scan. Preparing, encoding and decoding overlap, so their seconds may
// add up to more than the wall time.
struct SliceWork {
  std::size_t encoder_runs = 0;  // one for each slice with a prompt, however many organs and parts it has
  std::size_t prompts = 0;       // number of masks decoded
  double prepare_seconds = 0, encode_seconds = 0, decode_seconds = 0;
};

// The slices to encode, in order.
struct SlicePlan {
  std::vector<SlicePrompts> slices;
  // For each organ, the number of slices after which its mask is complete; 0 without a prompt.
  std::vector<std::int32_t> complete_after;
};

// `only` (may be null): the only slices to use.
SlicePlan plan_slices(std::span<const OrganPrompt> organs, const SliceLayout& layout, std::int64_t edge,
                      const std::vector<std::int64_t>* only);

// Fills those of masks.organs that have prompts in the plan. Slices are streamed: at any time one is
// prepared, one encoded and one decoded, whatever the size of the scan. A prompt that is a single foreground
// point is ambiguous: of SAM's three masks for it, the one with the highest predicted IoU is used, as SAM's
// authors advise. Masks are sampled as the checkpoint's metadata say, by the reference conventions as
// published. Reports slices done; when slice plan.slices[i] is reported, the masks of all organs that have no
// prompt on later slices are complete. `levels`: kRanks only where nobody else makes masks of the scan.
// Throws kBadArgument for masks of another volume; kAborted.
SliceWork segment_slices(SamModel& sam, const Volume& volume, Conventions conventions, const SlicePlan& plan,
                         ScanMasks& masks, MaskLevels levels, const Task& task);

}  // namespace medlsam
