#include "segmentation/slices/resize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>

#include "base/error.hpp"
#include "base/simd.hpp"

namespace medlsam {
namespace {

constexpr std::int64_t kLongest = 16384;  // a result of 1 GB

// Weights below this are dropped: they change a gray value by at most 1e-4.
constexpr double kNegligible = 1e-7;

// The impulse response of the quadratic spline's prefilter, the inverse of (1, 6, 1)/8: √2·z^|i|, z = 2√2
// − 3. The signal is 0 outside, so that its ends need no special treatment.
constexpr int kPrefilterReach = 12;  // beyond it, weights are below 6e-10
const double kPole = 2 * std::numbers::sqrt2 - 3;

// The three quadratic B-spline weights at t in [−½, ½) from the middle one of samples −1, 0, 1.
std::array<double, 3> quadratic_weights(double t) {
  return {(0.5 - t) * (0.5 - t) / 2, 0.75 - t * t, (0.5 + t) * (0.5 + t) / 2};
}

// Weights at distances 0 … radius, whose sum over both sides is 1; {1} if there is nothing to smooth.
std::vector<double> half_gaussian(double sigma) {
  if (sigma <= 0) return {1};
  std::vector<double> weights(static_cast<std::size_t>(4 * sigma + 0.5) + 1);
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double distance = static_cast<double>(i) / sigma;
    weights[i] = std::exp(-0.5 * distance * distance);
    sum += i == 0 ? weights[i] : 2 * weights[i];
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

MEDLSAM_INLINE void to_bytes(const float* in, std::size_t count, float least, float greatest,
                             std::uint8_t* out) {
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = static_cast<std::uint8_t>(std::min(std::max(in[i] + kGrayRounding, least), greatest));
  }
}

void require_length(std::int64_t length, const char* what) {
  if (length >= 1 && length <= kLongest) return;
  throw Error(ErrorCode::kBadArgument, std::string(what) + " of " + std::to_string(length) +
                                           " pixels cannot be resized: lengths are 1 to " +
                                           std::to_string(kLongest) + ".");
}

}  // namespace

AxisOperator quadratic_spline(std::int64_t input, std::int64_t output) {
  const double step = static_cast<double>(input) / static_cast<double>(output);
  const std::vector<double> gaussian = half_gaussian((step - 1) / 2);
  const auto reach = static_cast<std::int64_t>(gaussian.size()) - 1;

  AxisOperator op;
  std::vector<double> smooth(input),
      row(input);  // the output's weights of the smoothed signal, of the signal
  for (std::int64_t o = 0; o < output; ++o) {
    const double place = (static_cast<double>(o) + 0.5) * step - 0.5;
    const auto middle = static_cast<std::int64_t>(std::floor(place + 0.5));
    const auto spline = quadratic_weights(place - static_cast<double>(middle));
    std::fill(smooth.begin(), smooth.end(), 0);
    std::fill(row.begin(), row.end(), 0);
    const std::int64_t from = std::max<std::int64_t>(0, middle - 1 - kPrefilterReach);
    const std::int64_t to = std::min(input - 1, middle + 1 + kPrefilterReach);
    for (std::int64_t i = from; i <= to; ++i) {
      for (std::int64_t k = 0; k < 3; ++k) {
        const auto distance = static_cast<double>(std::abs(middle - 1 + k - i));
        smooth[i] += spline[k] * std::numbers::sqrt2 * std::pow(kPole, distance);
      }
      for (std::int64_t j = std::max<std::int64_t>(0, i - reach); j <= std::min(input - 1, i + reach); ++j) {
        row[j] += smooth[i] * gaussian[std::abs(i - j)];
      }
    }
    op.add_row(row, kNegligible);
  }
  return op;
}

SliceResizer::SliceResizer(std::int64_t height, std::int64_t width, std::int64_t edge)
    : height_(height), width_(width), edge_(edge) {
  require_length(height, "A slice height");
  require_length(width, "A slice width");
  require_length(edge, "An image size");
  along_y_ = quadratic_spline(height, edge);
  along_x_ = quadratic_spline(width, edge);
}

void SliceResizer::resize(std::span<const std::uint8_t> slice, std::span<std::uint8_t> out) {
  if (slice.size() != static_cast<std::size_t>(height_ * width_) ||
      out.size() != static_cast<std::size_t>(edge_ * edge_)) {
    throw Error(ErrorCode::kBadArgument, "The resizer was made for slices of " + std::to_string(height_) +
                                             " by " + std::to_string(width_) + " pixels and " +
                                             std::to_string(edge_) + " by " + std::to_string(edge_) +
                                             " results; it was given others.");
  }
  const auto [least, greatest] = std::minmax_element(slice.begin(), slice.end());
  // Operators work across rows: the slice is transposed for the x axis, and back for the y axis.
  narrow_.resize(std::max(width_, edge_) * height_);
  wide_.resize(edge_ * std::max(height_, edge_));
  transpose(slice.data(), height_, width_, narrow_.data());
  apply_operator(along_x_, narrow_.data(), wide_.data(), height_, height_);
  transpose(wide_.data(), edge_, height_, narrow_.data());
  apply_operator(along_y_, narrow_.data(), wide_.data(), edge_, edge_);
  run_simd<to_bytes>(wide_.data(), out.size(), *least, *greatest, out.data());
}

}  // namespace medlsam
