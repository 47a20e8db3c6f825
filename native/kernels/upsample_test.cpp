#include "kernels/upsample.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace medlsam {

TEST_CASE("halving is the transpose of doubling by linear interpolation") {
  constexpr std::int64_t kOuter = 3, kExtent = 5, kInner = 19;
  std::vector<float> in(kOuter * 2 * kExtent * kInner), out(kOuter * kExtent * kInner);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i * 37 % 101);
  halve_rows(in.data(), kExtent, kInner, 0, 7, out.data());
  halve_rows(in.data(), kExtent, kInner, 7, kOuter * kExtent, out.data());

  std::vector<double> wanted(out.size());
  for (std::int64_t outer = 0; outer < kOuter; ++outer) {
    for (std::int64_t i = 0; i < 2 * kExtent; ++i) {
      const double at = std::max(0.0, (static_cast<double>(i) + 0.5) / 2 - 0.5);
      const auto low = static_cast<std::int64_t>(at);
      const std::int64_t high = std::min(low + 1, kExtent - 1);
      const double weight = at - static_cast<double>(low);
      for (std::int64_t k = 0; k < kInner; ++k) {
        const auto value = static_cast<double>(in[(outer * 2 * kExtent + i) * kInner + k]);
        wanted[(outer * kExtent + low) * kInner + k] += (1 - weight) * value;
        wanted[(outer * kExtent + high) * kInner + k] += weight * value;
      }
    }
  }
  double worst = 0;
  for (std::size_t i = 0; i < out.size(); ++i)
    worst = std::max(worst, std::abs(wanted[i] - static_cast<double>(out[i])));
  CHECK(worst < 1e-4);
}

}  // namespace medlsam
