#include "kernels/cuda/similarity.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "base/error.hpp"
#include "kernels/cuda/correlate_direct.hpp"
#include "kernels/cuda/launch.hpp"

namespace medlsam::cuda {
namespace {

constexpr std::size_t kPatchesAtOnce = 8, kPointsAtOnce = 32;
constexpr std::size_t kNormalizedBytes = std::size_t{1} << 29;  // of the patches at once, at most
constexpr int kLargestFeatures = 64;

std::size_t cube(int edge) {
  return std::size_t{1} * edge * edge * edge;
}

template <class... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
  throw Error(ErrorCode::kBadArgument, (std::string() + ... + parts));
}

// Calls use(CorrelateMatrix{}) of the right shape, if there is one.
template <class Use>
bool with_matrix(int size, int edge, Use&& use) {
  if (size == 4 && edge == 32)
    use(CorrelateMatrix<4, 2>{});
  else if (size == 4 && edge == 64)
    use(CorrelateMatrix<4, 4>{});
  else if (size == 8 && edge == 32)
    use(CorrelateMatrix<8, 2>{});
  else if (size == 8 && edge == 64)
    use(CorrelateMatrix<8, 4>{});
  else
    return false;
  return true;
}

template <class Use>
void with_direct(int size, Use&& use) {
  if (size == 2) return use(CorrelateDirect<2>{});
  if (size == 4) return use(CorrelateDirect<4>{});
  if (size == 6) return use(CorrelateDirect<6>{});
  use(CorrelateDirect<8>{});
}

// Half-pixel centers, clamped: from edge + 1 positions to `patch` (algorithm.md part 5.3).
std::vector<Tap> make_taps(int edge, int patch) {
  std::vector<Tap> taps;
  for (int i = 0; i < patch; ++i) {
    const double at = std::max(0.0, (i + 0.5) * (edge + 1) / patch - 0.5);
    const int low = std::min(static_cast<int>(at), edge);
    taps.push_back({low, std::min(low + 1, edge), static_cast<float>(at - low)});
  }
  return taps;
}

// Points that are searched at once, and the patches that they are in.
struct Group {
  std::vector<std::int32_t> patches;
  std::vector<PointPlace> places;
  std::vector<Nearness> nearness;
};

class Search {
 public:
  Search(Stream stream, const DeviceProperties& device, const TemplateKernels& templates,
         std::span<const SearchedScale> scales, int patch, SimilarityMemory& memory)
      : stream_(stream), templates_(templates), scales_(scales), patch_(patch), memory_(memory) {
    const int channels = templates.channels();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < scales.size(); ++i) {
      const bool matrix = uses_tensor_cores(templates, scales[i], device);
      on_tensor_cores_.push_back(matrix);
      bytes += cube(scales[i].features.edge) * channels * (matrix ? sizeof(Half) : sizeof(float));
      const std::vector<Tap> taps = make_taps(scales[i].features.edge, patch);
      memory.taps[i].upload(taps, stream);
    }
    slots_ = std::clamp(kNormalizedBytes / bytes, std::size_t{1}, kPatchesAtOnce);
  }

  std::size_t slots() const { return slots_; }

  // Leaves the group's peaks at `best` in device memory.
  void run(const Group& group, Best* best) {
    memory_.patches.upload(group.patches, stream_);
    memory_.places.upload(group.places, stream_);
    memory_.nearness.upload(group.nearness, stream_);
    FindPeaks body{};
    for (std::size_t i = 0; i < scales_.size(); ++i) {
      const int edge = scales_[i].features.edge, size = templates_.scale(scales_[i].scale).size;
      const std::size_t positions = cube(edge + 1) * group.places.size();
      float* out = memory_.correlations[i].at_least(positions);
      on_tensor_cores_[i] ? correlate_matrix(i, group, out) : correlate_direct(i, group, out);
      body.scales[i] = {out, memory_.taps[i].data(), edge + 1, static_cast<float>(1 / std::pow(size, 3))};
    }
    body.scale_count = static_cast<int>(scales_.size());
    body.patch = patch_;
    body.nearness = memory_.nearness.data();
    const auto points = static_cast<std::int64_t>(group.places.size());
    const std::int64_t blocks = blocks_for(static_cast<std::int64_t>(cube(patch_)), body.kVoxels);
    body.partials = memory_.partials.at_least(blocks * points);
    launch(stream_, {blocks, points, 1, body.kThreads * sizeof(Best)}, body);
    const FinishPeaks finish{static_cast<int>(blocks), body.partials, best};
    launch(stream_, {points, 1, 1, finish.kThreads * sizeof(Best)}, finish);
  }

 private:
  void correlate_matrix(std::size_t i, const Group& group, float* out) {
    const FeatureMap& features = scales_[i].features;
    const TemplateKernels::Scale& kernels = templates_.scale(scales_[i].scale);
    const int channels = templates_.channels();
    const auto voxels = static_cast<std::int64_t>(cube(features.edge));
    Half* rows = memory_.rows[i].at_least(voxels * channels * group.patches.size());
    with_floating(features.type, [&]<class T>(T) {
      const NormalizedRows<T> body{features, channels, memory_.patches.data(), rows};
      launch(stream_,
             {voxels / body.kVoxels, static_cast<std::int64_t>(group.patches.size()), 1,
              body.shared_bytes(channels)},
             body);
    });
    with_matrix(kernels.size, features.edge, [&](auto body) {
      body.features = rows;
      body.kernels = kernels.rows.data();
      body.points = memory_.places.data();
      body.channels = channels;
      body.out = out;
      launch(stream_,
             {body.kBlocks, static_cast<std::int64_t>(group.places.size()), 1, body.shared_bytes(channels)},
             body);
    });
  }

  void correlate_direct(std::size_t i, const Group& group, float* out) {
    const FeatureMap& features = scales_[i].features;
    const TemplateKernels::Scale& kernels = templates_.scale(scales_[i].scale);
    const int channels = templates_.channels();
    const auto voxels = static_cast<std::int64_t>(cube(features.edge));
    float* planes = memory_.planes[i].at_least(voxels * channels * group.patches.size());
    with_floating(features.type, [&]<class T>(T) {
      const NormalizedPlanes<T> body{features, channels, memory_.patches.data(), planes};
      launch(stream_,
             {blocks_for(voxels, body.kThreads), static_cast<std::int64_t>(group.patches.size()), 1, 0},
             body);
    });
    with_direct(kernels.size, [&]<int kSize>(CorrelateDirect<kSize> body) {
      const typename CorrelateDirect<kSize>::Tiling tiling(features.edge);
      body.features = planes;
      body.kernels = kernels.plain.data();
      body.points = memory_.places.data();
      body.channels = channels;
      body.edge = features.edge;
      body.out = out;
      launch(stream_,
             {tiling.strips, tiling.positions, static_cast<std::int64_t>(group.places.size()),
              tiling.shared_bytes()},
             body);
    });
  }

  Stream stream_;
  const TemplateKernels& templates_;
  std::span<const SearchedScale> scales_;
  const int patch_;
  SimilarityMemory& memory_;
  std::vector<bool> on_tensor_cores_;  // for each scale
  std::size_t slots_ = 1;
};

void check_scales(const TemplateKernels& templates, std::span<const SearchedScale> scales, int patch) {
  constexpr int kLargestPatch = 512;
  if (scales.empty() || scales.size() > kMostScales || patch < 1 || patch > kLargestPatch)
    refuse("Similarity needs one to three scales, and maps of edge 1 to 512.");
  for (const SearchedScale& scale : scales) {
    const int edge = scale.features.edge;
    if (edge < 1 || edge > kLargestFeatures)
      refuse("Similarity needs features of edge 1 to 64, not ", std::to_string(edge), ".");
    if (scale.scale < 0 || scale.scale >= templates.scales())
      refuse("The templates have no scale ", std::to_string(scale.scale), ".");
  }
}

}  // namespace

std::size_t SimilarityMemory::bytes() const {
  std::size_t sum = patches.bytes() + places.bytes() + nearness.bytes() + partials.bytes() + best.bytes();
  for (int i = 0; i < kMostScales; ++i)
    sum += planes[i].bytes() + correlations[i].bytes() + rows[i].bytes() + taps[i].bytes();
  return sum;
}

bool uses_tensor_cores(const TemplateKernels& templates, const SearchedScale& scale,
                       const DeviceProperties& device) {
  constexpr int kAmpere = 8;
  constexpr std::size_t kWithoutAsking = 48 * 1024;
  const TemplateKernels::Scale& kernels = templates.scale(scale.scale);
  const int channels = templates.channels();
  bool fits = false;
  const bool has_shape = with_matrix(kernels.size, scale.features.edge, [&](const auto& body) {
    fits = body.shared_bytes(channels) <= device.shared_bytes;
  });
  return has_shape && fits && scale.features.type != Element::kFloat32 && device.major >= kAmpere &&
         kernels.rows.data() != nullptr && NormalizedRows<Half>::shared_bytes(channels) <= kWithoutAsking;
}

std::vector<Peak> find_peaks(Stream stream, const DeviceProperties& device, const TemplateKernels& templates,
                             std::span<const SearchedScale> scales, int patch,
                             std::span<const SearchedPoint> points, SimilarityMemory& memory) {
  check_scales(templates, scales, patch);
  for (const SearchedPoint& point : points) {
    if (point.row < 0 || point.row >= templates.points() || point.patch < 0)
      refuse("A point is of no patch, or of no template: there are ", std::to_string(templates.points()),
             ".");
  }
  if (points.empty()) return {};
  // Points of a patch are searched together.
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return points[i].patch; });

  Search search(stream, device, templates, scales, patch, memory);
  Best* best = memory.best.at_least(points.size());
  for (std::size_t begin = 0; begin < order.size();) {
    Group group;
    std::size_t end = begin;
    for (; end < order.size() && end - begin < kPointsAtOnce; ++end) {
      const SearchedPoint& point = points[order[end]];
      if (group.patches.empty() || group.patches.back() != point.patch) {
        if (group.patches.size() == search.slots()) break;
        group.patches.push_back(point.patch);
      }
      group.places.push_back({static_cast<std::int32_t>(group.patches.size()) - 1, point.row});
      group.nearness.push_back(point.nearness);
    }
    search.run(group, best + begin);
    begin = end;
  }

  const std::vector<Best> found = download(best, points.size(), stream);
  std::vector<Peak> peaks(points.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    // Where no value of the map is a number, its first voxel.
    const bool is_number = std::isfinite(found[i].greatest);
    const int voxel = is_number ? found[i].voxel : 0;
    peaks[order[i]] = {{voxel / (patch * patch), voxel / patch % patch, voxel % patch},
                       is_number ? found[i].greatest : std::nanf("")};
  }
  return peaks;
}

void support_kernels(Stream stream, const FeatureMap& features, int channels, int size, int patches,
                     float* kernels) {
  if (size < 1 || size > features.edge)
    refuse("A template kernel of edge ", std::to_string(size), " does not fit features of edge ",
           std::to_string(features.edge), ".");
  with_floating(features.type, [&]<class T>(T) {
    const SupportKernels<T> body{features, channels, size, kernels};
    launch(stream, {blocks_for(static_cast<std::int64_t>(cube(size)), body.kThreads), patches, 1, 0}, body);
  });
}

}  // namespace medlsam::cuda
