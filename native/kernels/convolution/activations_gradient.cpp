#include "kernels/convolution/activations_gradient.hpp"

#include <algorithm>
#include <vector>

#include "base/aligned_memory.hpp"
#include "base/parallel.hpp"
#include "base/simd.hpp"
#include "kernels/convolution/slabs.hpp"
#include "kernels/register_blocks.hpp"

namespace medlsam::convolution {
namespace {

using registers::load;
using registers::store;
using registers::Vector;

template <int kLanes>
struct SlabSums {
  Vector<kLanes> g = {}, gh = {};
};

// Adds a pooled voxel's gradient to the first greatest of its 2³ voxels. `places`: of theirs.
template <int kLanes>
MEDLSAM_INLINE void add_pooled(const float* values, const std::int64_t (&places)[8], const float* pooled,
                               Vector<kLanes> (&g)[8]) {
  Vector<kLanes> all[8], greatest, of_pooled;
  for (int i = 0; i < 8; ++i) load<kLanes>(all[i], values + places[i]);
  greatest = all[0];
  for (int i = 1; i < 8; ++i) greatest = greatest > all[i] ? greatest : all[i];
  load<kLanes>(of_pooled, pooled);
  const Vector<kLanes> none = {};
  for (int i = 0; i < 8; ++i) {
    g[i] += all[i] == greatest ? of_pooled : none;
    of_pooled = all[i] == greatest ? none : of_pooled;
  }
}

// Gradients after the ReLU's mask of one slab to `out`, and their sums.
template <int kLanes>
class SlabMask {
 public:
  MEDLSAM_INLINE SlabMask(const Activations& activations, const ReadGradients& gradients, std::int64_t image,
                          std::int64_t block, float* out)
      : normalized_(activations, image, block), out_(out) {
    const BlockedLayout& layout = activations.layout;
    const std::int64_t origin = layout.origin(0, block);
    if (gradients.values != nullptr) values_ = gradients.values + image * gradients.image + origin;
    if (gradients.pooled != nullptr) {
      pooled_layout_ = &gradients.pooled_layout;
      pooled_ = gradients.pooled + pooled_layout_->origin(image, block);
    }
  }

  MEDLSAM_INLINE SlabSums<kLanes> sum(std::int64_t slab) const {
    const BlockedLayout& layout = normalized_.layout;
    SlabSums<kLanes> sums;
    const std::int64_t z = kSlab * slab, depth = std::min(kSlab, layout.extents.z - z);
    const bool is_pooled = pooled_ != nullptr && slab < pooled_layout_->extents.z;
    for (std::int64_t y = 0; y < layout.extents.y; y += 2) {
      const std::int64_t height = std::min<std::int64_t>(2, layout.extents.y - y);
      const std::int64_t windows =
          is_pooled && y / 2 < pooled_layout_->extents.y ? pooled_layout_->extents.x : 0;
      for (std::int64_t x = 0; x < windows; ++x) sum_window(slab, y / 2, x, sums);
      for (std::int64_t i = 0; i < depth * height; ++i) {
        const std::int64_t row = (z + i / height) * layout.plane + (y + i % height) * layout.row;
        for (std::int64_t x = 2 * windows; x < layout.extents.x; ++x) {
          Vector<kLanes> g;
          read(row + x * kLanes, g);
          finish(row + x * kLanes, g, sums);
        }
      }
    }
    return sums;
  }

 private:
  MEDLSAM_INLINE void read(std::int64_t place, Vector<kLanes>& g) const {
    g = Vector<kLanes>{};
    if (values_ != nullptr) load<kLanes>(g, values_ + place);
  }

  MEDLSAM_INLINE void finish(std::int64_t place, const Vector<kLanes>& of_y, SlabSums<kLanes>& sums) const {
    const Vector<kLanes> none = {};
    Vector<kLanes> h;
    normalized_.h_at(place, h);
    const Vector<kLanes> g = h > none ? of_y : none;
    sums.g += g;
    sums.gh += g * h;
    store<kLanes>(g, out_ + place);
  }

  MEDLSAM_INLINE void sum_window(std::int64_t z, std::int64_t y, std::int64_t x,
                                 SlabSums<kLanes>& sums) const {
    const BlockedLayout& layout = normalized_.layout;
    std::int64_t places[8];
    Vector<kLanes> g[8];
    for (int i = 0; i < 8; ++i) {
      places[i] =
          (2 * z + i / 4) * layout.plane + (2 * y + i / 2 % 2) * layout.row + (2 * x + i % 2) * kLanes;
      read(places[i], g[i]);
    }
    add_pooled<kLanes>(normalized_.first, places,
                       pooled_ + z * pooled_layout_->plane + y * pooled_layout_->row + x * kLanes, g);
    for (int i = 0; i < 8; ++i) finish(places[i], g[i], sums);
  }

  const Normalized<kLanes> normalized_;
  const float* values_ = nullptr;
  const float* pooled_ = nullptr;
  const BlockedLayout* pooled_layout_ = nullptr;
  float* out_;
};

template <int kLanes>
MEDLSAM_INLINE void backpropagate_slab(const Activations& activations, std::int64_t image, std::int64_t block,
                                       std::int64_t slab, const float* mean_g, const float* mean_gh,
                                       float* out) {
  const Normalized<kLanes> normalized(activations, image, block);
  const BlockedLayout& layout = activations.layout;
  Vector<kLanes> of_g, of_gh;
  load<kLanes>(of_g, mean_g);
  load<kLanes>(of_gh, mean_gh);
  for (std::int64_t z = kSlab * slab; z < std::min(kSlab * (slab + 1), layout.extents.z); ++z) {
    for (std::int64_t y = 0; y < layout.extents.y; ++y) {
      const std::int64_t row = z * layout.plane + y * layout.row;
      for (std::int64_t place = row; place < row + layout.extents.x * kLanes; place += kLanes) {
        Vector<kLanes> g, h;
        load<kLanes>(g, out + place);
        normalized.h_at(place, h);
        store<kLanes>(normalized.scale * (g - of_g - h * of_gh), out + place);
      }
    }
  }
}

// out = ¾·(b + c) + ¼·(a + d), of vectors one after another.
template <int kLanes>
MEDLSAM_INLINE void halve_line(const float* a, const float* b, const float* c, const float* d,
                               std::int64_t floats, float* out) {
  for (std::int64_t i = 0; i < floats; i += kLanes) {
    Vector<kLanes> before, left, right, after;
    load<kLanes>(before, a + i);
    load<kLanes>(left, b + i);
    load<kLanes>(right, c + i);
    load<kLanes>(after, d + i);
    store<kLanes>(0.75f * (left + right) + 0.25f * (before + after), out + i);
  }
}

// The four rows, planes or voxels whose interpolation used the i-th of `extent`.
struct Readers {
  Readers(std::int64_t i, std::int64_t extent) {
    for (std::int64_t j = 0; j < 4; ++j) at[j] = std::clamp<std::int64_t>(2 * i - 1 + j, 0, 2 * extent - 1);
  }
  std::int64_t at[4];
};

// One plane of one block. `from`: the block's first upsampled voxel.
template <int kLanes>
MEDLSAM_INLINE void halve_plane(const BlockedLayout& upsampled, const float* from, const Extents& extents,
                                std::int64_t z, const BlockedLayout& layout, float* lines, float* out) {
  const std::int64_t width = 2 * extents.x * kLanes;
  const Readers planes(z, extents.z);
  for (std::int64_t y = 0; y < 2 * extents.y; ++y) {
    const float* const row = from + y * upsampled.row;
    halve_line<kLanes>(row + planes.at[0] * upsampled.plane, row + planes.at[1] * upsampled.plane,
                       row + planes.at[2] * upsampled.plane, row + planes.at[3] * upsampled.plane, width,
                       lines + (y + 1) * width);
  }
  for (std::int64_t y = 0; y < extents.y; ++y) {
    const Readers rows(y, extents.y);
    const auto line = [&](int i) { return lines + (rows.at[i] + 1) * width; };
    halve_line<kLanes>(line(0), line(1), line(2), line(3), width, lines);
    for (std::int64_t x = 0; x < extents.x; ++x) {
      const Readers voxels(x, extents.x);
      const auto voxel = [&](int i) { return lines + voxels.at[i] * kLanes; };
      halve_line<kLanes>(voxel(0), voxel(1), voxel(2), voxel(3), kLanes,
                         out + z * layout.plane + y * layout.row + x * kLanes);
    }
  }
}

}  // namespace

void normalization_gradient(const Activations& activations, const ReadGradients& gradients, float* out,
                            std::int64_t image_step, const Task& task) {
  const BlockedLayout& layout = activations.layout;
  const auto place = [&](std::int64_t image, std::int64_t block) {
    return out + image * image_step + layout.origin(0, block);
  };
  const std::int64_t slabs = (layout.extents.z + kSlab - 1) / kSlab, channels = layout.padded_channels();
  std::vector<float> of_slabs(static_cast<std::size_t>(layout.images * slabs * 2 * channels));
  for_each_slab(layout, task, [&](std::int64_t image, std::int64_t block, std::int64_t slab) {
    float* const sums = of_slabs.data() + (image * slabs + slab) * 2 * channels + block * layout.lanes;
    run_simd([&](auto lanes) __attribute__((always_inline)) {
      const SlabMask<lanes> mask(activations, gradients, image, block, place(image, block));
      const SlabSums<lanes> of_slab = mask.sum(slab);
      store<lanes>(of_slab.g, sums);
      store<lanes>(of_slab.gh, sums + channels);
    });
  });
  const auto voxels = static_cast<double>(layout.extents.voxels());
  std::vector<float> means(static_cast<std::size_t>(layout.images * 2 * channels));
  for (std::int64_t image = 0; image < layout.images; ++image) {
    for (std::int64_t i = 0; i < 2 * channels; ++i) {
      double sum = 0;
      for (std::int64_t slab = 0; slab < slabs; ++slab)
        sum += static_cast<double>(
            of_slabs[static_cast<std::size_t>((image * slabs + slab) * 2 * channels + i)]);
      means[static_cast<std::size_t>(image * 2 * channels + i)] = static_cast<float>(sum / voxels);
    }
  }
  for_each_slab(layout, task, [&](std::int64_t image, std::int64_t block, std::int64_t slab) {
    const float* const mean = means.data() + image * 2 * channels + block * layout.lanes;
    run_simd([&](auto lanes) __attribute__((always_inline)) {
      backpropagate_slab<lanes>(activations, image, block, slab, mean, mean + channels, place(image, block));
    });
  });
}

void upsampling_gradient(const BlockedLayout& upsampled, const float* gradient, const BlockedLayout& layout,
                         float* out, const Task& task) {
  const Extents& extents = layout.extents;
  const std::int64_t line = 2 * extents.x * layout.lanes, own = (2 * extents.y + 1) * line;
  fill_border(layout, out, 0.0f, task);
  const AlignedFloats memory(static_cast<std::size_t>(own * std::max(1U, task.threads)));
  parallel_for(task, static_cast<std::size_t>(layout.images * layout.blocks * extents.z),
               [&](std::size_t item, std::size_t worker) {
                 const auto i = static_cast<std::int64_t>(item);
                 const std::int64_t image = i / extents.z / layout.blocks,
                                    block = i / extents.z % layout.blocks;
                 float* const lines = memory.data() + static_cast<std::int64_t>(worker) * own;
                 run_simd([&](auto lanes) __attribute__((always_inline)) {
                   halve_plane<lanes>(upsampled, gradient + upsampled.origin(image, block), extents,
                                      i % extents.z, layout, lines, out + layout.origin(image, block));
                 });
               });
}

}  // namespace medlsam::convolution
