#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "cuda/scan/device_scan.hpp"
#include "testing/plugin_under_test.hpp"

namespace medlsam::cuda {
namespace {

using testing::DeviceValues;

const Task kTask{.threads = 2, .cancelled = nullptr, .on_progress = nullptr};

const MedlsamCudaTable& plugin() {
  return testing::plugin_under_test(MEDLSAM_HOST_PLUGIN);
}

std::size_t cube(int edge) {
  return std::size_t{1} * edge * edge * edge;
}

// Features of some patches, and templates from others, all random.
struct Problem {
  Problem(int wanted_patch, int wanted_channels, std::size_t wanted_patches)
      : patch(wanted_patch),
        channels(wanted_channels),
        patches(wanted_patches),
        templates(3, wanted_channels) {
    std::mt19937 generator(11);
    std::uniform_real_distribution<float> uniform(-1, 1);
    const auto fill = [&](std::vector<float>& values, std::size_t count) {
      values.resize(count);
      // Exact in float16, so that rounding of the features is not what is compared.
      for (float& value : values) value = half_to_float(float_to_half(uniform(generator)));
    };
    for (int scale = 0; scale < kScales; ++scale) fill(features[scale], patches * elements(scale));
    for (std::size_t support = 0; support < 4; ++support) {
      std::array<std::vector<float>, kScales> from;
      for (int scale = 0; scale < kScales; ++scale) fill(from[scale], elements(scale));
      const float position[3] = {0, 0, 0};
      templates.add(support % 3, position, {from[0].data(), from[1].data(), from[2].data()}, patch);
    }
  }

  int edge(int scale) const { return patch >> (2 - scale); }
  std::size_t elements(int scale) const { return channels * cube(edge(scale)); }

  // The CPU's answer for one point.
  SimilarityPeak expected(const DevicePoint& point, std::span<const int> scales) const {
    std::vector<std::vector<float>> kernels;
    std::vector<SimilarityScale> searched;
    for (int scale : scales) {
      auto& kernel = kernels.emplace_back(templates.kernel_elements(scale));
      templates.kernel(point.index, scale, kernel);
      searched.push_back({features[scale].data() + point.patch * elements(scale),
                          {kernel.data()},
                          edge(scale),
                          kKernelSize[scale]});
    }
    SimilarityScratch scratch;
    return find_peaks(searched, channels, patch, std::array{point.nearness}, scratch, kTask).at(0);
  }

  int patch, channels;
  std::size_t patches;
  std::array<std::vector<float>, kScales> features;
  Templates templates;
};

// Features as a GPU's network may leave them: float32 or float16, channels first or last.
struct DeviceCopy {
  DeviceCopy(const Problem& problem, int scale, DType dtype, bool channels_last)
      : values(plugin(), arranged(problem, scale, dtype, channels_last)) {
    const auto voxels = static_cast<std::int64_t>(cube(problem.edge(scale)));
    features = {values.data(),
                dtype,
                scale,
                problem.edge(scale),
                voxels * problem.channels,
                channels_last ? 1 : voxels,
                channels_last ? problem.channels : 1};
  }

  static std::vector<std::byte> arranged(const Problem& problem, int scale, DType dtype, bool channels_last) {
    const std::vector<float>& from = problem.features[scale];
    const std::size_t voxels = cube(problem.edge(scale)), channels = problem.channels;
    std::vector<std::byte> bytes(from.size() * dtype_size(dtype));
    for (std::size_t i = 0; i < from.size(); ++i) {
      const std::size_t patch = i / (voxels * channels), c = i / voxels % channels, v = i % voxels;
      const std::size_t to = channels_last ? (patch * voxels + v) * channels + c : i;
      if (dtype == DType::kF32)
        reinterpret_cast<float*>(bytes.data())[to] = from[i];
      else
        reinterpret_cast<std::uint16_t*>(bytes.data())[to] = float_to_half(from[i]);
    }
    return bytes;
  }

  DeviceValues values;
  DeviceFeatures features;
};

void check_peaks(const Problem& problem, std::span<const int> scales, DType dtype, bool channels_last,
                 std::span<const DevicePoint> points, double tolerance) {
  std::vector<std::unique_ptr<DeviceCopy>> copies;
  std::vector<DeviceFeatures> features;
  for (int scale : scales) {
    copies.push_back(std::make_unique<DeviceCopy>(problem, scale, dtype, channels_last));
    features.push_back(copies.back()->features);
  }
  const DeviceTemplates templates(plugin(), 0, problem.templates);
  DeviceScan scan(plugin(), 0);
  const auto found = scan.find_peaks(templates, features, problem.patch, points);
  REQUIRE(found.size() == points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const SimilarityPeak expected = problem.expected(points[i], scales);
    CHECK(found[i].voxel == expected.voxel);
    CHECK(std::abs(found[i].value - expected.value) < tolerance);
  }
}

const std::vector<int> kAll = {0, 1, 2};

TEST_CASE("peaks on a GPU in float32 are the CPU's") {
  const Problem problem(32, 6, 2);
  const std::vector<DevicePoint> points = {
      {1, 0, {}}, {0, 2, {}}, {1, 1, {}}, {0, 0, {{3, 30, 10}, 1e-3F}}, {1, 2, {{-5, 12, 40}, 2e-3F}}};
  check_peaks(problem, kAll, DType::kF32, false, points, 1e-5);
  check_peaks(problem, kAll, DType::kF32, true, points, 1e-5);
  check_peaks(problem, std::vector<int>{1}, DType::kF32, false, points, 1e-5);
}

TEST_CASE("peaks on a GPU in float16 without tensor cores, which need 16 channels, are the CPU's") {
  check_peaks({32, 6, 2}, kAll, DType::kF16, false, std::vector<DevicePoint>{{1, 0, {}}, {0, 1, {}}}, 1e-5);
}

TEST_CASE("peaks on tensor cores are the CPU's but for the rounding of normalized features") {
  const Problem problem(32, 16, 2);
  const std::vector<DevicePoint> points = {{0, 0, {}}, {1, 1, {{3, 3, 10}, 1e-3F}}};
  check_peaks(problem, kAll, DType::kF16, false, points, 1e-4);
  check_peaks(problem, kAll, DType::kF16, true, points, 1e-4);
}

TEST_CASE("peaks of a patch of 64 voxels on tensor cores") {
  check_peaks({64, 16, 1}, std::vector<int>{0, 1}, DType::kF16, true,
              std::vector<DevicePoint>{{0, 0, {}}, {0, 2, {}}}, 1e-4);
}

TEST_CASE("many points in many patches are searched group by group") {
  const Problem problem(8, 3, 11);
  std::vector<DevicePoint> points;
  for (int i = 0; i < 70; ++i) points.push_back({i * 7 % 11, i % 3, {}});
  check_peaks(problem, std::vector<int>{1, 2}, DType::kF32, false, points, 1e-5);
}

TEST_CASE("a map on a GPU that holds no number has its peak at its first voxel") {
  Problem problem(8, 3, 1);
  for (float& value : problem.features[2]) value = std::numeric_limits<float>::infinity();
  const DeviceCopy copy(problem, 2, DType::kF32, false);
  const DeviceTemplates templates(plugin(), 0, problem.templates);
  DeviceScan scan(plugin(), 0);
  const auto found = scan.find_peaks(templates, std::array{copy.features}, 8, std::array{DevicePoint{}});
  CHECK(found.at(0).voxel == std::array<int, 3>{0, 0, 0});
  CHECK(std::isnan(found.at(0).value));
}

TEST_CASE("a search on a GPU refuses what does not fit") {
  const Problem problem(8, 3, 1);
  const DeviceCopy copy(problem, 1, DType::kF32, false);
  const DeviceTemplates templates(plugin(), 0, problem.templates);
  DeviceScan scan(plugin(), 0);
  const auto code = [&](const DeviceFeatures& features, const DevicePoint& point) {
    try {
      scan.find_peaks(templates, std::array{features}, 8, std::array{point});
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  CHECK(code(copy.features, {0, 3, {}}) == ErrorCode::kBadArgument);
  DeviceFeatures other = copy.features;
  other.scale = 3;
  CHECK(code(other, {}) == ErrorCode::kBadArgument);
  other = copy.features;
  other.edge = 65;
  CHECK(code(other, {}) == ErrorCode::kBadArgument);
  CHECK(scan.find_peaks(templates, std::array{copy.features}, 8, {}).empty());
}

TEST_CASE("template kernels of supports on a GPU are the CPU's") {
  const Problem problem(32, 6, 2);
  const DeviceCopy copy(problem, 1, DType::kF16, true);
  DeviceScan scan(plugin(), 0);
  const std::vector<float> found = scan.support_kernels(copy.features, 6, 4, 2);
  std::vector<float> expected(2 * 6 * cube(4));
  for (std::size_t i = 0; i < 2; ++i) {
    add_template_kernel(problem.features[1].data() + i * problem.elements(1), 6, 16, 4,
                        std::span(expected).subspan(i * 6 * cube(4), 6 * cube(4)));
  }
  REQUIRE(found.size() == expected.size());
  double most = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    most = std::max(most, std::abs(double{found[i]} - double{expected[i]}));
  CHECK(most < 1e-6);
}

}  // namespace
}  // namespace medlsam::cuda
