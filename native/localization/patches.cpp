#include "localization/patches.hpp"

#include <algorithm>
#include <map>

#include "base/clock.hpp"

namespace medlsam {
namespace {

// Loss of mean cosine with a voxel's squared distance from the start: (3 mm / 200 mm)². From 140 to 280 mm
// made no difference worth a knob (bench/RESULTS.md).
constexpr float kFall = static_cast<float>(kGridSpacing * kGridSpacing / (200.0 * 200.0));

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

std::int64_t count_of(const std::vector<Request>& requests) {
  return static_cast<std::int64_t>(requests.size());
}

std::vector<Index3> centers_of(std::span<const Request> requests) {
  std::vector<Index3> centers;
  for (const Request& request : requests) centers.push_back(request.center);
  return centers;
}

// Runs the network up to `deepest` on every distinct patch, some at a time, and hands the outputs over with
// what was asked of each. Returns the number of patches.
template <class Use>
std::size_t for_each_batch(MedLamModel& medlam, PatchSource& source, std::span<const Index3> centers,
                           int deepest, const Task& task, Use&& use) {
  const auto requests = group_by_center(centers);
  std::size_t done = 0;
  medlam.patches_at_once(deepest).run(count_of(requests), [&](std::int64_t first, std::int64_t count) {
    const auto some = std::span(requests).subspan(first, count);
    const Tensor patches = source.patches(centers_of(some), medlam.weights().patch());
    use(medlam.run(patches, deepest, task), some);
    for (const Request& request : some) done += request.askers.size();
    task.report(done, centers.size());
  });
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

}  // namespace

std::vector<float> patch_positions(MedLamModel& medlam, PatchSource& source, std::span<const Index3> centers,
                                   const Task& task) {
  std::vector<float> positions(3 * centers.size());
  const auto keep = [&](const std::vector<Tensor>& outputs, std::span<const Request> requests) {
    const Tensor found = outputs.at(0).to_host();
    for (std::size_t i = 0; i < requests.size(); ++i) {
      for (const std::size_t asker : requests[i].askers)
        std::copy_n(found.floats() + 3 * i, 3, positions.data() + 3 * asker);
    }
  };
  for_each_batch(medlam, source, centers, -1, task, keep);
  return positions;
}

void add_patches(Templates& templates, MedLamModel& medlam, PatchSource& source,
                 std::span<const Index3> centers, std::span<const float> positions,
                 std::span<const std::int32_t> indices, const Task& task) {
  const auto add = [&](const std::vector<Tensor>& outputs, std::span<const Request> requests) {
    const Tensor own = outputs.at(0).to_host();
    const auto kernels = source.support_kernels(outputs, task);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      std::array<const float*, kScales> of_patch{};
      for (int k = 0; k < kScales; ++k) of_patch[k] = kernels[k].data() + i * templates.kernel_elements(k);
      for (const std::size_t asker : requests[i].askers) {
        const float* position = positions.empty() ? own.floats() + 3 * i : positions.data() + 3 * asker;
        templates.add_kernels(indices[asker], position, of_patch);
      }
    }
  };
  for_each_batch(medlam, source, centers, kScales - 1, task, add);
}

Search search(MedLamModel& medlam, PatchSource& source, const Index3& grid_shape, const Templates& templates,
              std::span<const Index3> starts, std::span<const std::int32_t> indices,
              const SearchOptions& options, const Task& task) {
  const int edge = medlam.weights().patch();
  int deepest = kScales - 1;
  while (!options.scales[deepest]) --deepest;
  std::vector<Index3> centers;
  for (const Index3& start : starts)
    centers.push_back(patch_center(start, grid_shape, edge, options.lattice));

  Search result;
  result.points.resize(starts.size());
  result.peaks.resize(starts.size());
  const auto used = std::count(options.scales.begin(), options.scales.end(), true);
  const auto start_time = Clock::now();
  const auto find = [&](const std::vector<Tensor>& outputs, std::span<const Request> requests) {
    const auto similarity_start = Clock::now();
    std::vector<PatchPoint> wanted;
    std::vector<std::size_t> wanted_by;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      for (const std::size_t asker : requests[i].askers) {
        const auto cosines = static_cast<float>(used * templates.supports()[indices[asker]]);
        wanted.push_back(
            {static_cast<int>(i),
             indices[asker],
             {start_in_map(starts[asker], centers[asker], edge), options.near ? kFall * cosines : 0}});
        wanted_by.push_back(asker);
      }
    }
    const auto peaks = source.find_peaks(outputs, templates, options.scales, edge, wanted, task);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const Index3 origin = map_origin(centers[wanted_by[i]], edge);
      for (int a = 0; a < 3; ++a) result.points[wanted_by[i]][a] = origin[a] + peaks[i].voxel[a];
      result.peaks[wanted_by[i]] = peaks[i].value;
    }
    result.similarity_seconds += seconds_since(similarity_start);
  };
  result.patches = for_each_batch(medlam, source, centers, deepest, task, find);
  result.network_seconds = seconds_since(start_time) - result.similarity_seconds;
  return result;
}

}  // namespace medlsam
