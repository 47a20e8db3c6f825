#include "segmentation/masks/components.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <vector>

namespace medlsam {
namespace {

// Foreground [left, right) of one line.
struct Run {
  std::int64_t slice, y, left, right;
};

std::vector<Run> find_runs(const OrganMask& mask) {
  std::vector<Run> runs;
  for (std::size_t z = 0; z < mask.slices.size(); ++z) {
    const SliceMask& slice = mask.slices[z];
    for (std::int64_t y = 0; y < slice.height; ++y) {
      const auto* line = slice.levels.data() + y * slice.width;
      const auto* const end = line + slice.width;
      for (const auto* at = line;
           (at = std::find_if(at, end, [](auto level) { return level > 0; })) != end;) {
        const auto* const stop = std::find(at, end, std::uint16_t{0});
        runs.push_back({static_cast<std::int64_t>(z), slice.top + y, slice.left + (at - line),
                        slice.left + (stop - line)});
        at = stop;
      }
    }
  }
  return runs;
}

// Groups the runs of one component, as a forest in which roots come first.
class Components {
 public:
  explicit Components(const std::vector<Run>& runs) : runs_(runs), parent_(runs.size()) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
    // Half of the neighboring lines suffice: no run of the same line touches this one, and runs of later
    // lines look back. There is a cursor for each, since runs are sorted.
    constexpr std::array<std::array<std::int64_t, 2>, 4> kEarlierLines = {
        {{-1, -1}, {-1, 0}, {-1, 1}, {0, -1}}};
    for (const auto& [dz, dy] : kEarlierLines) {
      std::size_t cursor = 0;
      for (std::size_t i = 0; i < runs.size(); ++i) join_line(i, runs[i].slice + dz, runs[i].y + dy, cursor);
    }
  }

  std::size_t root(std::size_t run) {
    while (parent_[run] != run) run = parent_[run] = parent_[parent_[run]];
    return run;
  }

 private:
  // Joins run `i` with those of line (slice, y) that touch it, if only by a corner. `cursor` moves to the
  // first run that may still touch run i + 1.
  void join_line(std::size_t i, std::int64_t slice, std::int64_t y, std::size_t& cursor) {
    const auto before = [&](const Run& run) {
      if (run.slice != slice) return run.slice < slice;
      if (run.y != y) return run.y < y;
      return run.right < runs_[i].left;
    };
    while (before(runs_[cursor])) ++cursor;
    for (std::size_t other = cursor; other < runs_.size(); ++other) {
      const Run& run = runs_[other];
      if (run.slice != slice || run.y != y || run.left > runs_[i].right) break;
      join(i, other);
    }
  }

  void join(std::size_t a, std::size_t b) {
    a = root(a);
    b = root(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

  const std::vector<Run>& runs_;
  std::vector<std::size_t> parent_;
};

}  // namespace

void filter_components(OrganMask& mask, const ComponentFilter& filter) {
  const std::vector<Run> runs = find_runs(mask);
  if (runs.empty()) return;
  Components components(runs);
  std::vector<std::size_t> voxels(runs.size());  // number of voxels of the component with this root
  for (std::size_t i = 0; i < runs.size(); ++i) voxels[components.root(i)] += runs[i].right - runs[i].left;
  const std::size_t largest = std::max_element(voxels.begin(), voxels.end()) - voxels.begin();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::size_t root = components.root(i);
    if (voxels[root] >= filter.min_voxels && (!filter.largest_only || root == largest)) continue;
    SliceMask& slice = mask.slices[runs[i].slice];
    auto* line = slice.levels.data() + (runs[i].y - slice.top) * slice.width - slice.left;
    std::fill(line + runs[i].left, line + runs[i].right, std::uint16_t{0});
    slice.stored_sum.reset();
  }
}

}  // namespace medlsam
