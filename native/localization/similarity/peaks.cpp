#include "localization/similarity/peaks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/simd.hpp"

namespace medlsam {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();
// Voxels around the highest place of the other scales' sum, where the last scale is computed first.
constexpr int kAround = 4;
// Share of its bound that the last scale is expected to add at least where the others' sum is highest.
constexpr float kExpected = 0.9F;

float squared(int distance) {
  return static_cast<float>(distance) * static_cast<float>(distance);
}

// A map's values in a box.
struct BoxedMap {
  MapBox box;
  std::span<const float> values;
};

struct Highest {
  std::array<int, 3> voxel{};
  float height = kLowest;
  float value = std::numeric_limits<float>::quiet_NaN();
};

// The first maximum of values − fall·d²; without one, where no value is a number, the first voxel.
Highest highest_in(const BoxedMap& map, const Nearness& nearness) {
  const auto loss = [&](int voxel, int axis) { return nearness.fall * squared(voxel - nearness.from[axis]); };
  const auto [z0, y0, x0] = map.box.first;
  Highest best{map.box.first, kLowest, map.values[0]};
  const float* value = map.values.data();
  for (int z = z0; z < z0 + map.box.size[0]; ++z) {
    for (int y = y0; y < y0 + map.box.size[1]; ++y) {
      const float row = loss(z, 0) + loss(y, 1);
      for (int x = x0; x < x0 + map.box.size[2]; ++x, ++value) {
        const float height = *value - row - loss(x, 2);
        if (height > best.height) best = {{z, y, x}, height, *value};
      }
    }
  }
  return best;
}

// The greatest height of each row (z, y).
struct RowMaxima {
  const float* map;
  int patch;
  const Nearness& nearness;
  const float* losses;  // of each x
  float* maxima;

  template <int kLanes>
  MEDLSAM_INLINE void operator()(Lanes<kLanes>) const {
    using Vector = typename FloatLanes<kLanes>::Vector;
    const float* row = map;
    for (int i = 0; i < patch * patch; ++i, row += patch) {
      const auto from = [&](int line, int axis) { return static_cast<float>(line - nearness.from[axis]); };
      const float z = from(i / patch, 0), y = from(i % patch, 1);
      const float loss = nearness.fall * (z * z) + nearness.fall * (y * y);
      Vector highest = Vector{} + kLowest;
      int x = 0;
      for (; x + kLanes <= patch; x += kLanes) {
        Vector height, along;
        __builtin_memcpy(&height, row + x, sizeof height);
        __builtin_memcpy(&along, losses + x, sizeof along);
        height = height - loss - along;
        highest = height > highest ? height : highest;
      }
      float greatest = kLowest;
      for (int lane = 0; lane < kLanes; ++lane)
        greatest = highest[lane] > greatest ? highest[lane] : greatest;
      for (; x < patch; ++x) {
        const float height = row[x] - loss - losses[x];
        greatest = height > greatest ? height : greatest;
      }
      maxima[i] = greatest;
    }
  }
};

// The most that the last scale can add to a map: the mean norm of the kernel's vectors, and some rounding.
float bound_of(const SimilarityScale& scale, const float* kernel, int channels) {
  const int block = scale.size * scale.size * scale.size;
  std::vector<float> squares(block, 0.F);
  for (int c = 0; c < channels; ++c) {
    for (int i = 0; i < block; ++i) squares[i] += kernel[c * block + i] * kernel[c * block + i];
  }
  double sum = 0;
  for (float square : squares) sum += std::sqrt(static_cast<double>(square));
  return static_cast<float>(sum / block * 1.0001 + 1e-5);
}

// One point: its map without the last scale, and what is known of the map with it, in a box. The box grows in
// two steps: first() asks for some voxels around the highest place of the other scales' sum, then() for all
// that may be as high as the highest of those.
class PointSearch {
 public:
  PointSearch(std::span<const float> coarse, int patch, float bound)
      : coarse_(coarse), patch_(patch), bound_(bound), maxima_(static_cast<std::size_t>(patch) * patch) {}

  MapBox first(const Nearness& nearness) {
    std::vector<float> losses;
    for (int x = 0; x < patch_; ++x) losses.push_back(nearness.fall * squared(x - nearness.from[2]));
    run_simd(RowMaxima{coarse_.data(), patch_, nearness, losses.data(), maxima_.data()});
    const std::size_t row = std::ranges::max_element(maxima_) - maxima_.begin();
    const bool is_useful =
        std::isfinite(maxima_[row]) && std::isfinite(bound_) && rules_out_half(maxima_[row]);
    return is_useful ? around(row, nearness) : whole();
  }

  // Once the map is known in the box of first().
  MapBox then(const Nearness& nearness) const {
    if (knows(whole())) return whole();
    const Highest found = highest(nearness);
    return std::isfinite(found.height) ? candidates(found.height, nearness) : whole();
  }

  bool knows(const MapBox& box) const {
    bool known = !values_.empty();
    for (int a = 0; a < 3; ++a) {
      known = known && box.first[a] >= box_.first[a] &&
              box.first[a] + box.size[a] <= box_.first[a] + box_.size[a];
    }
    return known;
  }

  // The other scales' sum in the box, to which the last scale is to be added.
  std::span<float> start(const MapBox& box) {
    box_ = box;
    values_.clear();
    values_.reserve(std::size_t{1} * box.size[0] * box.size[1] * box.size[2]);
    for (int z = 0; z < box.size[0]; ++z) {
      for (int y = 0; y < box.size[1]; ++y) {
        const int row = (box.first[0] + z) * patch_ + box.first[1] + y;
        const float* from = coarse_.data() + std::size_t{1} * row * patch_ + box.first[2];
        values_.insert(values_.end(), from, from + box.size[2]);
      }
    }
    return values_;
  }

  Highest highest(const Nearness& nearness) const { return highest_in({box_, values_}, nearness); }

 private:
  // Some voxels around the first maximum of the other scales, which is in this row.
  MapBox around(std::size_t row, const Nearness& nearness) const {
    const int z = static_cast<int>(row) / patch_, y = static_cast<int>(row) % patch_;
    const MapBox line{{z, y, 0}, {1, 1, patch_}};
    const Highest middle = highest_in({line, coarse_.subspan(row * patch_, patch_)}, nearness);
    MapBox box;
    for (int a = 0; a < 3; ++a) {
      box.first[a] = std::max(0, middle.voxel[a] - kAround);
      box.size[a] = std::min(patch_, middle.voxel[a] + kAround + 1) - box.first[a];
    }
    return box;
  }

  // Whether what is to be found around the highest place may leave less than half of the map to search.
  bool rules_out_half(float highest) const {
    const float height = highest + kExpected * bound_;
    int first_y = patch_, last_y = -1, first_z = patch_, last_z = -1;
    for (int row = 0; row < patch_ * patch_; ++row) {
      if (!(maxima_[row] + bound_ >= height)) continue;
      first_z = std::min(first_z, row / patch_);
      last_z = row / patch_;
      first_y = std::min(first_y, row % patch_);
      last_y = std::max(last_y, row % patch_);
    }
    return 2 * (last_z - first_z + 1) * (last_y - first_y + 1) < patch_ * patch_;
  }

  // The voxels that may be at least this high with the last scale. There is one: who was found so high.
  MapBox candidates(float height, const Nearness& nearness) const {
    std::array<int, 3> low{patch_, patch_, patch_}, high{-1, -1, -1};
    for (int row = 0; row < patch_ * patch_; ++row) {
      if (!(maxima_[row] + bound_ >= height)) continue;
      const int z = row / patch_, y = row % patch_;
      const float* values = coarse_.data() + std::size_t{1} * row * patch_;
      const float loss =
          nearness.fall * squared(z - nearness.from[0]) + nearness.fall * squared(y - nearness.from[1]);
      for (int x = 0; x < patch_; ++x) {
        const float there = values[x] - loss - nearness.fall * squared(x - nearness.from[2]);
        if (!(there + bound_ >= height)) continue;
        low = {std::min(low[0], z), std::min(low[1], y), std::min(low[2], x)};
        high = {std::max(high[0], z), std::max(high[1], y), std::max(high[2], x)};
      }
    }
    return {low, {high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1}};
  }

  MapBox whole() const { return {{0, 0, 0}, {patch_, patch_, patch_}}; }

  std::span<const float> coarse_;
  const int patch_;
  const float bound_;          // of what the last scale adds
  std::vector<float> maxima_;  // of the rows of coarse_, with the nearness of first()
  MapBox box_;
  std::vector<float> values_;  // the map in the box
};

// The last scale of several points. Where they ask for the same box, as all do that ask for a whole map, the
// features are transformed once for them; the values are those of a point that asks alone.
class LastScale {
 public:
  LastScale(const SimilarityScale& scale, int channels, int patch, SimilarityScratch& scratch,
            const Task& task)
      : scale_(scale), channels_(channels), patch_(patch), scratch_(scratch), task_(task) {}

  // Completes the map of every search in its box.
  void complete(std::span<PointSearch> searches, std::span<const MapBox> boxes) {
    std::map<MapBox, std::vector<std::size_t>> missing;
    for (std::size_t i = 0; i < searches.size(); ++i)
      if (!searches[i].knows(boxes[i])) missing[boxes[i]].push_back(i);
    for (const auto& [box, points] : missing) add(box, points, searches);
  }

 private:
  void add(const MapBox& box, std::span<const std::size_t> points, std::span<PointSearch> searches) {
    SimilarityScale scale = scale_;
    scale.kernels.clear();
    std::vector<std::span<float>> maps;
    for (const std::size_t point : points) {
      scale.kernels.push_back(scale_.kernels[point]);
      maps.push_back(searches[point].start(box));
    }
    add_scale(scale, channels_, patch_, box, maps, scratch_, task_);
  }

  const SimilarityScale& scale_;
  const int channels_, patch_;
  SimilarityScratch& scratch_;
  const Task& task_;
};

}  // namespace

std::array<int, 3> find_peak(std::span<const float> map, int patch, const Nearness& nearness) {
  return highest_in({{{0, 0, 0}, {patch, patch, patch}}, map}, nearness).voxel;
}

std::vector<SimilarityPeak> find_peaks(std::span<const SimilarityScale> scales, int channels, int patch,
                                       std::span<const Nearness> points, SimilarityScratch& scratch,
                                       const Task& task) {
  const std::size_t voxels = std::size_t{1} * patch * patch * patch;
  std::vector<float> coarse(points.size() * voxels);
  similarity_maps(scales.first(scales.size() - 1), channels, patch, coarse, scratch, task);
  std::vector<PointSearch> searches;
  for (std::size_t i = 0; i < points.size(); ++i) {
    searches.emplace_back(std::span<const float>(coarse).subspan(i * voxels, voxels), patch,
                          bound_of(scales.back(), scales.back().kernels.at(i), channels));
  }
  LastScale last(scales.back(), channels, patch, scratch, task);
  const auto find = [&](const std::vector<Nearness>& nearness) {
    std::vector<MapBox> boxes;
    for (std::size_t i = 0; i < points.size(); ++i) boxes.push_back(searches[i].first(nearness[i]));
    last.complete(searches, boxes);
    for (std::size_t i = 0; i < points.size(); ++i) boxes[i] = searches[i].then(nearness[i]);
    last.complete(searches, boxes);
    std::vector<Highest> found;
    for (std::size_t i = 0; i < points.size(); ++i) found.push_back(searches[i].highest(nearness[i]));
    return found;
  };
  std::vector<SimilarityPeak> peaks;
  for (const Highest& plain : find(std::vector<Nearness>(points.size())))
    peaks.push_back({plain.voxel, plain.value});
  const bool near = std::ranges::any_of(points, [](const Nearness& point) { return point.fall != 0; });
  if (!near) return peaks;
  const std::vector<Highest> found = find({points.begin(), points.end()});
  for (std::size_t i = 0; i < points.size(); ++i) peaks[i].voxel = found[i].voxel;
  return peaks;
}

}  // namespace medlsam
