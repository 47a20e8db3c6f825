#include "localization/grid/spline.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/parallel.hpp"

namespace medlsam {
namespace {

// Weights below this are dropped: with a CT's range of 4000 HU they change a value by at most 1e-5 HU.
constexpr double kNegligible = 2e-10;

// The four cubic B-spline weights at fraction t in [0, 1) between samples 0 and 1 of −1, 0, 1, 2.
std::array<double, 4> cubic_weights(double t) {
  const double u = 1 - t;
  return {u * u * u / 6, (4 - 6 * t * t + 3 * t * t * t) / 6, (4 - 6 * u * u + 3 * u * u * u) / 6,
          t * t * t / 6};
}

// The spline's coefficients c solve B c = v with B = tridiagonal (1, 4, 1)/6, mirrored at the ends. A row of
// sampling weights w gives w·c = (B⁻ᵀ w)·v, so this solves Bᵀ y = w in place (Thomas' algorithm).
class TransposedPrefilter {
 public:
  explicit TransposedPrefilter(std::int64_t n) : n_(n), upper_(n), pivot_(n) {
    for (std::int64_t i = 0; i < n; ++i) {
      pivot_[i] = 4.0 / 6 - (i > 0 ? lower(i) * upper_[i - 1] : 0);
      upper_[i] = i + 1 < n ? above(i) / pivot_[i] : 0;
    }
  }

  void solve(std::vector<double>& y) const {
    for (std::int64_t i = 0; i < n_; ++i) y[i] = (y[i] - (i > 0 ? lower(i) * y[i - 1] : 0)) / pivot_[i];
    for (std::int64_t i = n_ - 2; i >= 0; --i) y[i] -= upper_[i] * y[i + 1];
  }

 private:
  // Bᵀ[i][i−1] = B[i−1][i] and Bᵀ[i][i+1] = B[i+1][i]; the mirror doubles B's first and last off-diagonal
  // entry.
  double lower(std::int64_t i) const { return (i == 1 ? 2.0 : 1.0) / 6; }
  double above(std::int64_t i) const { return (i == n_ - 2 ? 2.0 : 1.0) / 6; }

  std::int64_t n_;
  std::vector<double> upper_, pivot_;
};

std::int64_t mirrored(std::int64_t i, std::int64_t n) {
  if (n == 1) return 0;
  const std::int64_t period = 2 * (n - 1);
  i = ((i % period) + period) % period;
  return i < n ? i : period - i;
}

template <class Stored>
void to_float(const Stored* in, std::size_t count, double slope, double intercept, float* out) {
  if (slope == 1 && intercept == 0) {
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(in[i]);
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = static_cast<float>(static_cast<double>(in[i]) * slope + intercept);
    }
  }
}

}  // namespace

std::int64_t resampled_length(std::int64_t length, double zoom) {
  const double result = std::nearbyint(static_cast<double>(length) * zoom);
  if (result < 1) {
    throw Error(ErrorCode::kBadVolume,
                "The scan is less than 1.5 mm thick along one axis; it cannot be localized in.");
  }
  if (result > 20000) {
    throw Error(ErrorCode::kBadVolume,
                "The scan is more than 60 m long along one axis; check the header's spacing.");
  }
  return static_cast<std::int64_t>(result);
}

AxisOperator cubic_spline(std::int64_t input, std::int64_t output) {
  AxisOperator op;
  op.first.reserve(output);
  const TransposedPrefilter prefilter(input);
  const double step = output > 1 ? static_cast<double>(input - 1) / static_cast<double>(output - 1) : 1;
  std::vector<double> row(input);
  for (std::int64_t o = 0; o < output; ++o) {
    std::fill(row.begin(), row.end(), 0);
    const double place = std::min(step * static_cast<double>(o), static_cast<double>(input - 1));
    const double base = std::floor(place);
    const auto weights = cubic_weights(place - base);
    for (int t = 0; t < 4; ++t) row[mirrored(static_cast<std::int64_t>(base) - 1 + t, input)] += weights[t];
    if (input > 1) prefilter.solve(row);
    op.add_row(row, kNegligible);
  }
  return op;
}

std::vector<float> resample_spline_zxy(const Volume& volume, const Index3& shape, const Task& task) {
  const std::int64_t nz = volume.shape[0], ny = volume.shape[1], nx = volume.shape[2];
  const std::int64_t oz = shape[0], oy = shape[1], ox = shape[2];
  const AxisOperator along_z = cubic_spline(nz, oz), along_y = cubic_spline(ny, oy),
                     along_x = cubic_spline(nx, ox);
  const std::int64_t slice = ox * oy;

  std::vector<float> slices(nz * slice);  // every input slice, resampled in its plane
  struct Scratch {
    std::vector<float> plane, rows, columns;
  };
  std::vector<Scratch> scratch(std::max(1u, task.threads));
  parallel_for(task, nz, [&](std::size_t z, std::size_t worker) {
    std::vector<float>& plane = scratch[worker].plane;
    std::vector<float>& rows = scratch[worker].rows;
    std::vector<float>& columns = scratch[worker].columns;
    plane.resize(ny * nx);
    rows.resize(oy * nx);
    columns.resize(nx * oy);
    with_stored_values(volume, [&](const auto* values) {
      to_float(values + z * ny * nx, ny * nx, volume.slope, volume.intercept, plane.data());
    });
    apply_operator(along_y, plane.data(), rows.data(), nx, nx);
    transpose(rows.data(), oy, nx, columns.data());
    apply_operator(along_x, columns.data(), slices.data() + z * slice, oy, oy);
  });

  std::vector<float> out(oz * slice);
  constexpr std::int64_t kColumns = 1024;
  parallel_for(task, (slice + kColumns - 1) / kColumns, [&](std::size_t chunk, std::size_t) {
    const std::int64_t start = static_cast<std::int64_t>(chunk) * kColumns;
    apply_operator(along_z, slices.data() + start, out.data() + start, std::min(kColumns, slice - start),
                   slice);
  });
  return out;
}

Shaped<double> resample_spline(const Volume& volume, const std::array<double, 3>& zoom, const Task& task) {
  Shaped<double> out;
  for (int a = 0; a < 3; ++a) out.shape[a] = resampled_length(volume.shape[a], zoom[a]);
  const auto zxy = resample_spline_zxy(volume, out.shape, task);
  const auto [nz, ny, nx] = out.shape;
  out.values.reserve(zxy.size());
  for (std::int64_t z = 0; z < nz; ++z) {
    for (std::int64_t y = 0; y < ny; ++y) {
      for (std::int64_t x = 0; x < nx; ++x) out.values.push_back(zxy[(z * nx + x) * ny + y]);
    }
  }
  return out;
}

}  // namespace medlsam
