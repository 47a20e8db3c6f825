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

// What segmenting one scan took. Preparing, encoding and decoding overlap, so their seconds may add up to
// more than the wall clock's.
struct SliceWork {
  std::size_t encoder_runs = 0;  // one for each slice with a prompt, whatever the number of organs and parts
  std::size_t prompts = 0;       // masks decoded
  double prepare_seconds = 0, encode_seconds = 0, decode_seconds = 0;
};

// The slices to be encoded, in order.
struct SlicePlan {
  std::vector<SlicePrompts> slices;
  // By organ: after how many of the slices its mask is complete; 0 for one without a prompt.
  std::vector<std::int32_t> complete_after;
};

// `only` (may be null): slice numbers to keep to.
SlicePlan plan_slices(std::span<const OrganPrompt> organs, const SliceLayout& layout, std::int64_t edge,
                      const std::vector<std::int64_t>* only);

// Fills masks.organs, of which plan's prompts name some. Slices stream through: one is being prepared, one
// encoded and one decoded at a time, whatever the size of the scan. A prompt that is a single foreground
// point is ambiguous: of the three masks SAM has for it the one with the highest predicted IoU is taken, as
// SAM's authors advise. Reports slices done; when slice plan[i] is reported, the masks of all slices up to it
// are there. Throws kBadArgument for masks of another volume; kAborted.
SliceWork segment_slices(SamModel& sam, const Volume& volume, Conventions conventions,
                         std::span<const SlicePrompts> plan, ScanMasks& masks, const Task& task);

}  // namespace medlsam
