#include "phantom/reconstruction.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/parallel.hpp"
#include "base/random.hpp"

namespace medlsam::phantom {
namespace {

constexpr float kMaxHu = 3071;  // 12 bits

Volume empty_volume(const Scan& scan, DType dtype, const StoredOrder& order) {
  Volume volume;
  volume.shape = order.shape;
  volume.dtype = dtype;
  volume.affine = order.affine;
  const auto voxels = static_cast<std::size_t>(scan.shape[0] * scan.shape[1] * scan.shape[2]);
  volume.data.resize(voxels * dtype_size(dtype));
  return volume;
}

// One slice of noise of standard deviation 1: white noise, smoothed by a small kernel.
class SliceNoise {
 public:
  SliceNoise(std::int64_t rows, std::int64_t columns, float smoothing)
      : rows_(rows), columns_(columns), white_(size()), noise_(size()) {
    side_ = 0.45F * smoothing;
    const float variance = 1 + 2 * side_ * side_;
    gain_ = 1 / variance;  // of both passes
  }

  const float* slice(std::uint32_t key) {
    for (std::size_t i = 0; i < white_.size(); ++i) {
      const std::uint32_t bits = lowbias32(key + static_cast<std::uint32_t>(i));
      // The sum of four bytes is nearly normal.
      const auto byte = [&](int shift) { return static_cast<int>(bits >> shift & 255); };
      white_[i] = static_cast<float>(byte(0) + byte(8) + byte(16) + byte(24) - 510) * (1 / 147.8F);
    }
    for (std::int64_t y = 0; y < rows_; ++y) {
      const float *from = &white_[y * columns_], *before = y > 0 ? from - columns_ : from,
                  *after = y + 1 < rows_ ? from + columns_ : from;
      float* to = &noise_[y * columns_];
      for (std::int64_t x = 0; x < columns_; ++x) to[x] = from[x] + side_ * (before[x] + after[x]);
      float left = to[0];
      for (std::int64_t x = 0; x < columns_; ++x) {
        const float here = to[x], right = x + 1 < columns_ ? to[x + 1] : here;
        to[x] = gain_ * (here + side_ * (left + right));
        left = here;
      }
    }
    return noise_.data();
  }

 private:
  std::size_t size() const { return static_cast<std::size_t>(rows_ * columns_); }

  std::int64_t rows_, columns_;
  float side_, gain_;
  std::vector<float> white_, noise_;
};

// Factor of the noise for the tissue of this slice: tissue attenuates photons exponentially.
float attenuation(const std::int16_t* hu, std::size_t count, double area) {
  double tissue = 0;
  for (std::size_t i = 0; i < count; ++i) tissue += std::max(0, hu[i] + 1000) * 1e-3;
  const double width = std::sqrt(tissue * area);  // mm of water of the same cross-section
  return static_cast<float>(std::exp(std::clamp((width - 200) * 0.004, -0.8, 1.0)));
}

// Whether the voxel in row y, column x lies outside the round field of view.
class Circle {
 public:
  explicit Circle(const Scan& scan)
      : round_(scan.circle),
        middle_y_(static_cast<float>(scan.shape[1] - 1) / 2),
        middle_x_(static_cast<float>(scan.shape[2] - 1) / 2),
        radius_(static_cast<float>(scan.shape[2]) / 2) {}

  bool excludes(std::int64_t y, std::int64_t x) const {
    const float dy = static_cast<float>(y) - middle_y_, dx = static_cast<float>(x) - middle_x_;
    return round_ && dx * dx + dy * dy > radius_ * radius_;
  }

 private:
  bool round_;
  float middle_y_, middle_x_, radius_;
};

}  // namespace

Volume reconstruct_image(const Rendering& rendering, const Scan& scan, std::uint32_t seed, const Task& task) {
  const StoredOrder order = stored_order(scan);
  Volume volume = empty_volume(scan, DType::kI16, order);
  volume.intercept = scan.intercept;
  auto* stored = reinterpret_cast<std::int16_t*>(volume.data.data());
  const auto [slices, rows, columns] = scan.shape;
  const auto plane = static_cast<std::size_t>(rows * columns);
  const Circle circle(scan);
  const std::uint32_t key = stream_key(seed, Stream::kNoise);
  std::vector<SliceNoise> workers(std::max(1U, task.threads), SliceNoise(rows, columns, scan.smoothing));
  parallel_for(task, static_cast<std::size_t>(slices), [&](std::size_t z, std::size_t worker) {
    const std::int16_t* hu = &rendering.hu[z * plane];
    const float* noise = workers[worker].slice(lowbias32(key + static_cast<std::uint32_t>(z)));
    const float level = scan.noise * attenuation(hu, plane, scan.spacing[1] * scan.spacing[2]);
    for (std::int64_t y = 0; y < rows; ++y) {
      std::int16_t* out =
          stored + order.offset + static_cast<std::int64_t>(z) * order.stride[0] + y * order.stride[1];
      for (std::int64_t x = 0; x < columns; ++x) {
        const std::int64_t i = y * columns + x;
        float value = static_cast<float>(hu[i]) + level * noise[i];
        value = std::clamp(std::nearbyint(value), scan.floor, kMaxHu);
        if (circle.excludes(y, x)) value = scan.padding;
        out[x * order.stride[2]] = static_cast<std::int16_t>(value - scan.intercept);
      }
    }
  });
  return volume;
}

Volume reconstruct_labels(const Rendering& rendering, const Scan& scan, const Task& task) {
  const StoredOrder order = stored_order(scan);
  Volume volume = empty_volume(scan, DType::kU8, order);
  const Circle circle(scan);
  auto* stored = reinterpret_cast<std::uint8_t*>(volume.data.data());
  const auto [slices, rows, columns] = scan.shape;
  parallel_for(task, static_cast<std::size_t>(slices), [&](std::size_t z, std::size_t) {
    const std::uint8_t* labels = &rendering.labels[z * static_cast<std::size_t>(rows * columns)];
    for (std::int64_t y = 0; y < rows; ++y) {
      std::uint8_t* out =
          stored + order.offset + static_cast<std::int64_t>(z) * order.stride[0] + y * order.stride[1];
      for (std::int64_t x = 0; x < columns; ++x) {
        out[x * order.stride[2]] = circle.excludes(y, x) ? std::uint8_t{0} : labels[y * columns + x];
      }
    }
  });
  return volume;
}

}  // namespace medlsam::phantom
