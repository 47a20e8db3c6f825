#include "phantom/artefacts.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/parallel.hpp"
#include "phantom/random.hpp"

namespace medlsam::phantom {
namespace {

constexpr int kAngles = 128;
constexpr float kMetalHu = 2900, kCell = 45, kReach = 160;  // mm: a cell holds one source of streaks

struct Look {
  float kernel = 0;                // weight of a neighbor in the plane: < 0 sharp, > 0 soft
  float thickness = 0;             // mm, of a slice
  float gain = 1, offset = 0;      // calibration
  float starved = 0, streaks = 0;  // strengths of the streaks of thick tissue, and of metal
  std::uint32_t key = 0;
};

Look draw_look(std::uint32_t seed) {
  Draw draw(seed + 2, Stream::kScanner);
  Look look;
  look.kernel = draw.uniform(-0.12F, 0.3F);
  look.thickness = draw.chance(0.45F) ? draw.uniform(3, 9) : 0;
  look.gain = 1 + draw.normal(0, 0.01F);
  look.offset = draw.normal(0, 4);
  look.starved = draw.uniform(0, 14);
  look.streaks = draw.uniform(0.3F, 1);
  look.key = draw.bits();
  return look;
}

// Metal of one slice, a source of streaks.
struct Source {
  float y = 0, x = 0, mm2 = 0;
};

// Works on one slice at a time.
class Slice {
 public:
  Slice(const Scan& scan, const Look& look)
      : look_(look),
        slices_(scan.shape[0]),
        rows_(scan.shape[1]),
        columns_(scan.shape[2]),
        mm_{static_cast<float>(scan.spacing[0]), static_cast<float>(scan.spacing[1]),
            static_cast<float>(scan.spacing[2])},
        hu_(static_cast<std::size_t>(rows_ * columns_)),
        line_(hu_.size()) {}

  void make(const std::vector<std::int16_t>& all, std::int64_t z, std::int16_t* out) {
    average_slices(all, z);
    const std::vector<Source> sources = metal();
    starve(z);
    for (const Source& source : sources) streak(source, z);
    smooth();
    for (std::size_t i = 0; i < hu_.size(); ++i) {
      const float value = std::clamp(look_.gain * (hu_[i] + 1000) - 1000 + look_.offset, -1500.F, 12000.F);
      out[i] = static_cast<std::int16_t>(std::lrint(value));
    }
  }

 private:
  // A slice thicker than the slices' distance shows what its neighbors show.
  void average_slices(const std::vector<std::int16_t>& all, std::int64_t z) {
    std::fill(hu_.begin(), hu_.end(), 0.F);
    const float half = std::max(look_.thickness / mm_[0], 1.F);
    const auto reach = static_cast<std::int64_t>(std::ceil(half)) - 1;
    float total = 0;
    for (std::int64_t k = -reach; k <= reach; ++k) total += 1 - static_cast<float>(std::abs(k)) / half;
    for (std::int64_t k = -reach; k <= reach; ++k) {
      const float weight = (1 - static_cast<float>(std::abs(k)) / half) / total;
      const std::int16_t* from =
          &all[static_cast<std::size_t>(std::clamp<std::int64_t>(z + k, 0, slices_ - 1)) * hu_.size()];
      for (std::size_t i = 0; i < hu_.size(); ++i) hu_[i] += weight * static_cast<float>(from[i]);
    }
  }

  std::vector<Source> metal() const {
    const auto across = static_cast<std::int64_t>(static_cast<float>(columns_) * mm_[2] / kCell) + 1;
    const auto down = static_cast<std::int64_t>(static_cast<float>(rows_) * mm_[1] / kCell) + 1;
    std::vector<Source> cells(static_cast<std::size_t>(across * down));
    for (std::int64_t i = 0; i < rows_ * columns_; ++i) {
      if (hu_[static_cast<std::size_t>(i)] < kMetalHu) continue;
      const float y = static_cast<float>(i / columns_) * mm_[1],
                  x = static_cast<float>(i % columns_) * mm_[2];
      const auto at = static_cast<std::int64_t>(y / kCell) * across + static_cast<std::int64_t>(x / kCell);
      Source& cell = cells[static_cast<std::size_t>(at)];
      const float area = mm_[1] * mm_[2];
      cell.y += area * y, cell.x += area * x, cell.mm2 += area;
    }
    std::vector<Source> sources;
    for (const Source& cell : cells) {
      if (cell.mm2 > 0) sources.push_back({cell.y / cell.mm2, cell.x / cell.mm2, cell.mm2});
    }
    return sources;
  }

  // Few photons pass along rows that hold much tissue: their noise is drawn out along the row.
  void starve(std::int64_t z) {
    const std::uint32_t key = lowbias32(look_.key + static_cast<std::uint32_t>(z));
    for (std::int64_t y = 0; y < rows_; ++y) {
      float* row = &hu_[static_cast<std::size_t>(y * columns_)];
      float water = 0;
      for (std::int64_t x = 0; x < columns_; ++x) water += std::max(0.F, row[x] + 1000);
      const float excess = (water * mm_[2] / 1000 - 260) / 120;
      if (excess <= 0) continue;
      const float level = look_.starved * std::min(excess, 2.5F);
      float streak = 0;
      for (std::int64_t x = 0; x < columns_; ++x) {
        const auto index = static_cast<std::uint32_t>(y * columns_ + x);
        streak = 0.93F * streak + 0.64F * (2 * unit(lowbias32(key ^ lowbias32(index))) - 1);
        row[x] += level * streak;
      }
    }
  }

  // Bright and dark rays from metal.
  void streak(const Source& source, std::int64_t z) {
    float rays[kAngles];
    const std::uint32_t key =
        look_.key + lowbias32(static_cast<std::uint32_t>(z / 2)) +
        static_cast<std::uint32_t>(source.x / kCell + 64 * std::floor(source.y / kCell));
    for (int i = 0; i < kAngles; ++i) {
      const float ray = 2 * unit(lowbias32(key + static_cast<std::uint32_t>(i))) - 1;
      rays[i] = ray * std::fabs(ray);
    }
    const float strength = look_.streaks * std::min(700.F, 70 * std::sqrt(source.mm2));
    const auto from = [&](float at, float mm) {
      return std::max<std::int64_t>(0, static_cast<std::int64_t>((at - kReach) / mm));
    };
    const auto to = [&](float at, float mm, std::int64_t extent) {
      return std::min(extent, static_cast<std::int64_t>((at + kReach) / mm) + 1);
    };
    for (std::int64_t y = from(source.y, mm_[1]); y < to(source.y, mm_[1], rows_); ++y) {
      for (std::int64_t x = from(source.x, mm_[2]); x < to(source.x, mm_[2], columns_); ++x) {
        const float dy = static_cast<float>(y) * mm_[1] - source.y,
                    dx = static_cast<float>(x) * mm_[2] - source.x;
        const float distance = std::sqrt(dy * dy + dx * dx);
        float& hu = hu_[static_cast<std::size_t>(y * columns_ + x)];
        if (distance > kReach || hu > kMetalHu) continue;
        const float turn = std::atan2(dy, dx) / (2 * std::numbers::pi_v<float>)+0.5F;
        const float place = turn * kAngles;
        const int ray = static_cast<int>(place);
        const float t = place - static_cast<float>(ray);
        const float value = rays[ray % kAngles] + t * (rays[(ray + 1) % kAngles] - rays[ray % kAngles]);
        hu += strength * value * (1 - distance / kReach) * 12 / (12 + distance);
      }
    }
  }

  // The kernel of the reconstruction, three voxels wide along each axis.
  void smooth() {
    const float side = look_.kernel / (1 + 2 * look_.kernel), middle = 1 / (1 + 2 * look_.kernel);
    for (std::int64_t y = 0; y < rows_; ++y) {
      const float *here = &hu_[static_cast<std::size_t>(y * columns_)],
                  *before = y > 0 ? here - columns_ : here, *after = y + 1 < rows_ ? here + columns_ : here;
      float* to = &line_[static_cast<std::size_t>(y * columns_)];
      for (std::int64_t x = 0; x < columns_; ++x) to[x] = middle * here[x] + side * (before[x] + after[x]);
    }
    for (std::int64_t y = 0; y < rows_; ++y) {
      const float* from = &line_[static_cast<std::size_t>(y * columns_)];
      float* to = &hu_[static_cast<std::size_t>(y * columns_)];
      for (std::int64_t x = 0; x < columns_; ++x) {
        const float left = from[std::max<std::int64_t>(x - 1, 0)],
                    right = from[std::min(x + 1, columns_ - 1)];
        to[x] = middle * from[x] + side * (left + right);
      }
    }
  }

  const Look look_;
  std::int64_t slices_, rows_, columns_;
  std::array<float, 3> mm_;
  std::vector<float> hu_, line_;
};

}  // namespace

void add_artefacts(Rendering& rendering, const Scan& scan, std::uint32_t seed, const Task& task) {
  const Look look = draw_look(seed);
  const std::vector<std::int16_t> tissues = rendering.hu;
  const auto plane = static_cast<std::size_t>(scan.shape[1] * scan.shape[2]);
  std::vector<Slice> workers(std::max(1U, task.threads), Slice(scan, look));
  parallel_for(task, static_cast<std::size_t>(scan.shape[0]), [&](std::size_t z, std::size_t worker) {
    workers[worker].make(tissues, static_cast<std::int64_t>(z), &rendering.hu[z * plane]);
  });
}

}  // namespace medlsam::phantom
