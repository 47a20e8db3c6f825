#include "metrics/nearest.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.hpp"
#include "base/simd.hpp"

namespace medlsam {
namespace {

using Steps = std::uint16_t;  // voxels to the nearest site along z

constexpr Steps kFar = 65535;  // no site in this column
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Fills `width` neighboring columns: sites hold 0, the rest kFar.
MEDLSAM_INLINE void sweep_columns(Steps* steps, std::int64_t planes, std::int64_t plane, std::int64_t width) {
  for (std::int64_t z = 1; z < planes; ++z) {
    const Steps* before = steps + (z - 1) * plane;
    Steps* at = steps + z * plane;
    for (std::int64_t i = 0; i < width; ++i) {
      at[i] = std::min<Steps>(at[i], static_cast<Steps>(std::min<Steps>(before[i], kFar - 1) + 1));
    }
  }
  for (std::int64_t z = planes - 2; z >= 0; --z) {
    const Steps* after = steps + (z + 1) * plane;
    Steps* at = steps + z * plane;
    for (std::int64_t i = 0; i < width; ++i) {
      at[i] = std::min<Steps>(at[i], static_cast<Steps>(std::min<Steps>(after[i], kFar - 1) + 1));
    }
  }
}

std::vector<Steps> steps_along_z(const Index3& shape, std::span<const std::int64_t> sites, const Task& task) {
  const std::int64_t plane = shape[1] * shape[2];
  std::vector<Steps> steps(shape[0] * plane, kFar);
  for (std::int64_t site : sites) steps[site] = 0;
  constexpr std::int64_t kColumns = 4096;
  parallel_for(task, (plane + kColumns - 1) / kColumns, [&](std::size_t chunk, std::size_t) {
    const std::int64_t start = static_cast<std::int64_t>(chunk) * kColumns;
    run_simd<sweep_columns>(steps.data() + start, shape[0], plane, std::min(kColumns, plane - start));
  });
  return steps;
}

// Squared distances within the (z, x) plane of a line along x: the lower envelope of a parabola over each
// voxel, raised by what its column's distance along z is.
class LineEnvelope {
 public:
  LineEnvelope(std::int64_t planes, std::int64_t length, double step_z, double step_x)
      : squares_z_(planes),
        inverse_(length),
        apex_(length),
        height_(length),
        from_(length + 1),
        step_(step_x * step_x) {
    for (std::int64_t i = 0; i < planes; ++i) squares_z_[i] = std::pow(static_cast<double>(i) * step_z, 2);
    for (std::int64_t i = 1; i < length; ++i) inverse_[i] = 1 / (2 * step_ * static_cast<double>(i));
  }

  void compute(const Steps* steps, double* out) {
    const auto length = static_cast<std::int64_t>(apex_.size());
    std::int64_t parabolas = 0;
    for (std::int64_t x = 0; x < length; ++x) {
      if (steps[x] != kFar) add(x, squares_z_[steps[x]], parabolas);
    }
    if (parabolas == 0) {
      std::fill(out, out + length, kInfinity);
      return;
    }
    from_[parabolas] = kInfinity;
    std::int64_t x = 0;
    for (std::int64_t p = 0; p < parabolas; ++p) {
      for (; x < length && static_cast<double>(x) < from_[p + 1]; ++x)
        out[x] = height_[p] + square(x - apex_[p]);
    }
  }

 private:
  double square(std::int64_t distance) const { return static_cast<double>(distance * distance) * step_; }

  void add(std::int64_t x, double height, std::int64_t& parabolas) {
    double start = -kInfinity;
    while (parabolas > 0) {
      const std::int64_t rival = apex_[parabolas - 1];
      start = (height + square(x) - height_[parabolas - 1] - square(rival)) * inverse_[x - rival];
      if (start > from_[parabolas - 1]) break;
      start = -kInfinity;
      --parabolas;
    }
    apex_[parabolas] = x;
    height_[parabolas] = height;
    from_[parabolas++] = start;
  }

  std::vector<double> squares_z_;   // of so many steps along z, mm²
  std::vector<double> inverse_;     // 1 / (2·step²·i): where parabolas i apart meet takes no division
  std::vector<std::int64_t> apex_;  // of each parabola of the envelope: its voxel,
  std::vector<double> height_;      // its least value,
  std::vector<double> from_;        // and from where on it is the lowest
  double step_;
};

// The least of values[y·width] + (distance along y)², walking away from y until nothing nearer can come.
double nearest_along_y(const double* column, std::int64_t y, std::int64_t lines, std::int64_t width,
                       double step) {
  double best = column[y * width];
  const std::int64_t farthest = std::max(y, lines - 1 - y);
  for (std::int64_t away = 1; away <= farthest; ++away) {
    const double square = std::pow(static_cast<double>(away) * step, 2);
    if (square >= best) break;
    if (away <= y) best = std::min(best, square + column[(y - away) * width]);
    if (away < lines - y) best = std::min(best, square + column[(y + away) * width]);
  }
  return std::sqrt(best);
}

}  // namespace

std::vector<double> nearest_distances(const Index3& shape, const std::array<double, 3>& spacing,
                                      std::span<const std::int64_t> sites,
                                      std::span<const std::int64_t> queries, const Task& task) {
  const std::vector<Steps> steps = steps_along_z(shape, sites, task);
  const std::int64_t lines = shape[1], width = shape[2], plane = lines * width;
  struct Scratch {
    LineEnvelope envelope;
    std::vector<double> squares;
  };
  std::vector<Scratch> scratch(
      std::max(1u, task.threads),
      {LineEnvelope(shape[0], width, spacing[0], spacing[2]), std::vector<double>(plane)});
  std::vector<double> distances(queries.size());
  parallel_for(task, shape[0], [&](std::size_t z, std::size_t worker) {
    const std::int64_t start = static_cast<std::int64_t>(z) * plane;
    const auto first = std::lower_bound(queries.begin(), queries.end(), start);
    const auto last = std::lower_bound(first, queries.end(), start + plane);
    if (first == last) return;
    auto& [envelope, squares] = scratch[worker];
    for (std::int64_t y = 0; y < lines; ++y) {
      envelope.compute(steps.data() + start + y * width, squares.data() + y * width);
    }
    for (auto query = first; query != last; ++query) {
      const std::int64_t y = (*query - start) / width, x = (*query - start) % width;
      distances[query - queries.begin()] = nearest_along_y(squares.data() + x, y, lines, width, spacing[1]);
    }
  });
  return distances;
}

}  // namespace medlsam
