#include "localization/patches.hpp"

#include <algorithm>
#include <map>

#include "base/clock.hpp"
#include "localization/similarity/peaks.hpp"

namespace medlsam {
namespace {

// Loss of mean cosine with a voxel's squared distance from the start: (3 mm / 200 mm)². From 140 to 280 mm
// made no difference worth a knob (bench/RESULTS.md).
constexpr float kFall = static_cast<float>(kGridSpacing * kGridSpacing / (200.0 * 200.0));

// Points that are searched together where many share a patch: each takes 15 MB of scratch memory at edge 64.
constexpr std::size_t kPointsAtOnce = 8;

// Equal centres and who asked for them, in the order of first asking.
struct Request {
  Index3 center;
  std::vector<std::size_t> askers;
};

std::vector<Request> group_by_center(std::span<const Index3> centers) {
  std::vector<Request> requests;
  std::map<Index3, std::size_t> seen;
  for (std::size_t i = 0; i < centers.size(); ++i) {
    const auto [entry, is_new] = seen.emplace(centers[i], requests.size());
    if (is_new) requests.push_back({centers[i], {}});
    requests[entry->second].askers.push_back(i);
  }
  return requests;
}

// Runs the network up to `deepest` on every distinct patch and hands each result over with its askers. One
// patch at a time: it fills the processor's cores by itself, and several take as many times its memory.
template <class Use>
std::size_t for_each_patch(MedLamModel& medlam, const Grid& grid, std::span<const Index3> centers,
                           int deepest, const Task& task, Use&& use) {
  const std::int64_t edge = medlam.weights().patch();
  std::vector<float> patch(static_cast<std::size_t>(edge * edge * edge));
  const auto requests = group_by_center(centers);
  std::size_t done = 0;
  for (const Request& request : requests) {
    copy_patch(grid, request.center, edge, patch.data());
    const Tensor input = Tensor::on_host(patch.data(), {1, 1, edge, edge, edge});
    std::vector<Tensor> outputs = medlam.run(input, deepest, task);
    for (Tensor& output : outputs) output = output.to_host();
    use(outputs, request.askers);
    done += request.askers.size();
    task.report(done, centers.size());
  }
  return requests.size();
}

// The center of the patch in which a point is searched: the nearest where a whole patch fits and, if
// `lattice` is not 0, that is on the lattice.
Index3 patch_center(const Index3& point, const Index3& shape, std::int64_t edge, int lattice) {
  Index3 clamped;
  for (int a = 0; a < 3; ++a) {
    // A grid smaller than a patch and a half has no such range; its middle serves.
    const std::int64_t low = edge / 2, high = std::max(low, shape[a] - edge / 2 - 1);
    clamped[a] = std::clamp(point[a], low, high);
    if (lattice == 0) continue;
    // The lattice begins at the first center. Its last point gives way to the last center.
    const std::int64_t step = (clamped[a] - low + lattice / 2) / lattice;
    clamped[a] = std::min(low + step * lattice, high);
  }
  return clamped;
}

// Where on the grid the similarity map's first voxel lies: one up from the patch's (part 5.3).
Index3 map_origin(const Index3& center, std::int64_t edge) {
  Index3 origin;
  for (int a = 0; a < 3; ++a) origin[a] = center[a] - edge / 2 + 1;
  return origin;
}

std::array<int, 3> start_in_map(const Index3& start, const Index3& center, std::int64_t edge) {
  std::array<int, 3> voxel;
  for (int a = 0; a < 3; ++a) voxel[a] = static_cast<int>(start[a] - map_origin(center, edge)[a]);
  return voxel;
}

// A point to search in a patch.
struct PatchPoint {
  std::int32_t index;        // of the template point
  std::array<int, 3> start;  // on the map
};
class Searcher {
 public:
  Searcher(const Templates& templates, int edge, const Task& task)
      : templates_(templates), edge_(edge), task_(task) {}

  // `outputs`: of the network, deep enough for the scales.
  std::vector<SimilarityPeak> search(const std::vector<Tensor>& outputs, std::span<const PatchPoint> points,
                                     const SearchOptions& options) {
    std::vector<SimilarityScale> scales;
    for (int k = 0; k < kScales; ++k) {
      if (!options.scales[k]) continue;
      scales.push_back({outputs[k + 1].floats(), read_kernels(points, k), edge_ >> (2 - k), kKernelSize[k]});
    }
    std::vector<Nearness> wanted;
    for (const PatchPoint& point : points) {
      const auto cosines = static_cast<float>(scales.size() * templates_.supports()[point.index]);
      wanted.push_back({point.start, options.near ? kFall * cosines : 0});
    }
    return find_peaks(scales, templates_.channels(), edge_, wanted, scratch_, task_);
  }

 private:
  std::vector<const float*> read_kernels(std::span<const PatchPoint> points, int k) {
    const std::size_t elements = templates_.kernel_elements(k);
    kernels_[k].resize(points.size() * elements);
    std::vector<const float*> kernels;
    for (std::size_t i = 0; i < points.size(); ++i) {
      const auto kernel = std::span(kernels_[k]).subspan(i * elements, elements);
      templates_.kernel(points[i].index, k, kernel);
      kernels.push_back(kernel.data());
    }
    return kernels;
  }

  const Templates& templates_;
  const int edge_;
  const Task& task_;
  std::array<std::vector<float>, kScales> kernels_;
  SimilarityScratch scratch_;
};

}  // namespace

std::vector<float> patch_positions(MedLamModel& medlam, const Grid& grid, std::span<const Index3> centers,
                                   const Task& task) {
  std::vector<float> positions(3 * centers.size());
  for_each_patch(medlam, grid, centers, -1, task,
                 [&](const std::vector<Tensor>& outputs, const std::vector<std::size_t>& askers) {
                   for (std::size_t asker : askers)
                     std::copy_n(outputs[0].floats(), 3, positions.data() + 3 * asker);
                 });
  return positions;
}

void add_patches(Templates& templates, MedLamModel& medlam, const Grid& grid, std::span<const Index3> centers,
                 std::span<const float> positions, std::span<const std::int32_t> indices, const Task& task) {
  const int edge = medlam.weights().patch();
  for_each_patch(medlam, grid, centers, kScales - 1, task,
                 [&](const std::vector<Tensor>& outputs, const std::vector<std::size_t>& askers) {
                   for (std::size_t asker : askers) {
                     const float* position =
                         positions.empty() ? outputs[0].floats() : positions.data() + 3 * asker;
                     templates.add(indices[asker], position,
                                   {outputs[1].floats(), outputs[2].floats(), outputs[3].floats()}, edge);
                   }
                 });
}

Search search(MedLamModel& medlam, const Grid& grid, const Templates& templates,
              std::span<const Index3> starts, std::span<const std::int32_t> indices,
              const SearchOptions& options, const Task& task) {
  const int edge = medlam.weights().patch();
  int deepest = kScales - 1;
  while (!options.scales[deepest]) --deepest;
  std::vector<Index3> centers;
  for (const Index3& start : starts)
    centers.push_back(patch_center(start, grid.shape, edge, options.lattice));

  Search result;
  result.points.resize(starts.size());
  result.peaks.resize(starts.size());
  Searcher searcher(templates, edge, task);

  const auto start_time = Clock::now();
  result.patches = for_each_patch(
      medlam, grid, centers, deepest, task,
      [&](const std::vector<Tensor>& outputs, std::span<const std::size_t> askers) {
        const auto similarity_start = Clock::now();
        while (!askers.empty()) {
          const auto points = askers.first(std::min(askers.size(), kPointsAtOnce));
          askers = askers.subspan(points.size());
          std::vector<PatchPoint> wanted;
          for (std::size_t asker : points)
            wanted.push_back({indices[asker], start_in_map(starts[asker], centers[asker], edge)});
          const std::vector<SimilarityPeak> peaks = searcher.search(outputs, wanted, options);
          for (std::size_t i = 0; i < points.size(); ++i) {
            const Index3 origin = map_origin(centers[points[i]], edge);
            for (int a = 0; a < 3; ++a) result.points[points[i]][a] = origin[a] + peaks[i].voxel[a];
            result.peaks[points[i]] = peaks[i].value;
          }
        }
        result.similarity_seconds += seconds_since(similarity_start);
      });
  result.network_seconds = seconds_since(start_time) - result.similarity_seconds;
  return result;
}

}  // namespace medlsam
