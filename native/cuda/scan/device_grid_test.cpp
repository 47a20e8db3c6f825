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

struct Case {
  Index3 shape;
  std::array<double, 9> axes;  // of stored x, y, z in RAS mm: columns of the affine
  double slope = 1, intercept = 0;
};

template <class T>
Volume make_volume(const Case& from, DType dtype, double low, double high) {
  Volume volume;
  volume.shape = from.shape;
  volume.dtype = dtype;
  volume.slope = from.slope;
  volume.intercept = from.intercept;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) volume.affine[4 * row + column] = from.axes[3 * column + row];
  }
  volume.affine[15] = 1;
  std::mt19937 generator(5);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<T> values(volume.voxels());
  for (T& value : values) value = static_cast<T>(uniform(generator));
  const auto bytes = std::as_bytes(std::span(values));
  volume.data.assign(bytes.begin(), bytes.end());
  return volume;
}

const Case kLas{{9, 14, 12}, {-2.1, 0, 0, 0, 2.4, 0, 0, 0, 3}};
// Stored axes in another order, two of them turned around.
const Case kSagittal{{13, 10, 21}, {0, 0, -1.7, 0, -3.3, 0, 2.2, 0, 0}};

std::vector<float> device_values(const Grid& grid, const float* values) {
  std::vector<float> read(static_cast<std::size_t>(grid.shape[0] * grid.shape[1] * grid.shape[2]));
  void* session = nullptr;
  check(plugin(), plugin().open_session(0, nullptr, &session));
  check(plugin(), plugin().to_host(session, values, read.size() * sizeof(float), read.data()));
  plugin().close_session(session);
  return read;
}

void check_grid(const Volume& volume, Conventions conventions, bool normalized) {
  const Grid expected = make_grid(volume, conventions, normalized, kTask);
  DeviceScan scan(plugin(), 0);
  scan.load(volume, kTask);
  const Grid found = scan.make_grid(conventions, normalized, kTask);
  REQUIRE(found.shape == expected.shape);
  CHECK(found.zoom == expected.zoom);
  CHECK(found.values.empty());
  CHECK(found.rectification.has_value() == expected.rectification.has_value());
  scan.synchronize();
  const std::vector<float> values = device_values(found, scan.grid_values());
  double most = 0, range = 1;
  for (std::size_t i = 0; i < values.size(); ++i) {
    most = std::max(most, std::abs(double{values[i]} - double{expected.values[i]}));
    range = std::max(range, std::abs(double{expected.values[i]}));
  }
  CHECK(most < 2e-6 * range);
}

TEST_CASE("a grid on a GPU is the CPU's, for any order of axes, type and convention") {
  for (const Case& from : {kLas, kSagittal}) {
    check_grid(make_volume<std::int16_t>(from, DType::kI16, -1024, 2000), Conventions::kExact, false);
    check_grid(make_volume<std::int16_t>(from, DType::kI16, -1024, 2000), Conventions::kReference, false);
  }
  check_grid(make_volume<float>(kSagittal, DType::kF32, -1024, 2000), Conventions::kExact, false);
  check_grid(make_volume<float>(kLas, DType::kF32, 0, 1), Conventions::kExact, true);
}

TEST_CASE("a grid on a GPU of scaled values, and of types that it does not read itself") {
  Case scaled = kLas;
  scaled.slope = 0.5;
  scaled.intercept = -1024;
  check_grid(make_volume<std::int16_t>(scaled, DType::kI16, 0, 4000), Conventions::kExact, false);
  check_grid(make_volume<std::uint16_t>(scaled, DType::kU16, 0, 60000), Conventions::kExact, false);
  scaled.slope = -1;
  scaled.intercept = 900;
  check_grid(make_volume<std::int16_t>(scaled, DType::kI16, 0, 3000), Conventions::kExact, false);
  check_grid(make_volume<std::int8_t>(kLas, DType::kI8, -120, 120), Conventions::kExact, false);
}

TEST_CASE("a thin volume has a grid on a GPU") {
  check_grid(make_volume<std::int16_t>({{1, 30, 2}, {-3, 0, 0, 0, 3, 0, 0, 0, 3}}, DType::kI16, -1000, 900),
             Conventions::kExact, false);
}

TEST_CASE("a grid on a GPU of a tilted gantry is the CPU's, and the scan is as it was") {
  const Case tilted{{9, 14, 12}, {-2, 0, 0, 0, 2, 0, 0, 0.8, 3}};
  const Volume volume = make_volume<std::int16_t>(tilted, DType::kI16, -1024, 2000);
  REQUIRE(make_grid(volume, Conventions::kExact, false, kTask).rectification);
  check_grid(volume, Conventions::kExact, false);
  check_grid(volume, Conventions::kReference, false);
  DeviceScan scan(plugin(), 0);
  scan.load(volume, kTask);
  scan.make_grid(Conventions::kExact, false, kTask);
  const Window window = scan.slice_window(Conventions::kReference);
  CHECK(window.low == -500);
  CHECK(window.high == 1000);
  scan.set_slices(slice_layout(volume.affine, volume.shape), window, 16);
  // The masks' room is there besides.
  CHECK(scan.memory() > plugin().mask_bytes + static_cast<std::int64_t>(volume.data.size()));
}

ErrorCode code_on_device(const Volume& volume, Conventions conventions) {
  DeviceScan scan(plugin(), 0);
  scan.load(volume, kTask);
  try {
    scan.make_grid(conventions, false, kTask);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST_CASE("a GPU refuses the volumes that the CPU refuses") {
  CHECK(code_on_device(make_volume<std::int16_t>(kLas, DType::kI16, 0, 255), Conventions::kExact) ==
        ErrorCode::kNotHu);
  CHECK(code_on_device(make_volume<std::int16_t>(kLas, DType::kI16, 7, 7), Conventions::kReference) ==
        ErrorCode::kBadVolume);
  Volume broken = make_volume<float>(kLas, DType::kF32, -1000, 1000);
  reinterpret_cast<float*>(broken.data.data())[77] = std::numeric_limits<float>::quiet_NaN();
  CHECK(code_on_device(broken, Conventions::kExact) == ErrorCode::kBadVolume);
}

TEST_CASE("patches gathered on a GPU are the CPU's, rounded to their type") {
  const Volume volume = make_volume<std::int16_t>(kSagittal, DType::kI16, -1024, 2000);
  DeviceScan scan(plugin(), 0);
  scan.load(volume, kTask);
  Grid grid = scan.make_grid(Conventions::kExact, false, kTask);
  scan.synchronize();
  grid.values = device_values(grid, scan.grid_values());
  constexpr std::int64_t kEdge = 12, kVoxels = kEdge * kEdge * kEdge;
  const std::vector<Index3> centers = {{36, 36, 36}, {0, 0, 0}, {grid.shape[0], 40, -3}, {40, 500, 40}};
  std::vector<float> expected(centers.size() * kVoxels);
  for (std::size_t i = 0; i < centers.size(); ++i)
    copy_patch(grid, centers[i], kEdge, expected.data() + i * kVoxels);

  const DeviceValues floats(plugin(), expected.size() * sizeof(float));
  scan.gather_patches(centers, kEdge, DType::kF32, floats.data());
  const DeviceValues halves(plugin(), expected.size() * sizeof(std::uint16_t));
  scan.gather_patches(centers, kEdge, DType::kF16, halves.data());
  scan.synchronize();
  CHECK(floats.read<float>() == expected);
  const std::vector<std::uint16_t> found = halves.read<std::uint16_t>();
  bool rounded = true;
  for (std::size_t i = 0; i < expected.size(); ++i) rounded &= found[i] == float_to_half(expected[i]);
  CHECK(rounded);
}

TEST_CASE("a scan on a GPU is asked for in order, and says what it holds") {
  DeviceScan scan(plugin(), 0);
  CHECK_THROWS_AS(scan.make_grid(Conventions::kExact, false, kTask), Error);
  CHECK_THROWS_AS(scan.gather_patches({}, 8, DType::kF32, nullptr), Error);
  const Volume volume = make_volume<std::int16_t>(kLas, DType::kI16, -1024, 2000);
  scan.load(volume, kTask);
  const std::int64_t before = scan.memory();
  CHECK(before >= static_cast<std::int64_t>(volume.data.size()));
  scan.make_grid(Conventions::kExact, false, kTask);
  CHECK(scan.memory() > before);
}

TEST_CASE("a GPU that is not there is one line") {
  try {
    const DeviceScan scan(plugin(), 99);
    CHECK(false);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kRuntimeUnavailable);
    CHECK(std::string(error.what()).find("There is no GPU cuda:99") == 0);
  }
}

}  // namespace
}  // namespace medlsam::cuda
