#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "cuda/scan/device_scan.hpp"
#include "segmentation/slices/resize.hpp"
#include "testing/plugin_under_test.hpp"

namespace medlsam::cuda {
namespace {

using testing::DeviceValues;

const Task kTask{.threads = 2, .cancelled = nullptr, .on_progress = nullptr};

const MedlsamCudaTable& plugin() {
  return testing::plugin_under_test(MEDLSAM_HOST_PLUGIN);
}

template <class T>
Volume make_volume(DType dtype, const Affine& affine, double low, double high) {
  Volume volume;
  volume.shape = {5, 37, 26};
  volume.dtype = dtype;
  volume.affine = affine;
  std::mt19937 generator(9);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<T> values(volume.voxels());
  for (T& value : values) value = static_cast<T>(uniform(generator));
  // Flat parts, whose values must not change.
  for (std::size_t i = 0; i < values.size() / 3; ++i) values[i] = static_cast<T>(low);
  const auto bytes = std::as_bytes(std::span(values));
  volume.data.assign(bytes.begin(), bytes.end());
  return volume;
}

const Affine kAxial = {-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1};
const Affine kCoronal = {-1, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 1};

// Pixels that differ, and by how much at most: sums in another order may cut off at another whole number.
struct Difference {
  std::size_t pixels = 0;
  double most = 0;
};

Difference compare(const Volume& volume, Conventions conventions, std::int64_t edge, DType dtype) {
  const SliceLayout layout = slice_layout(volume.affine, volume.shape);
  DeviceScan scan(plugin(), 0);
  scan.load(volume, kTask);
  const Window window = scan.slice_window(conventions);
  const Window expected_window = slice_window(volume, conventions, kTask);
  CHECK(window.low == expected_window.low);
  CHECK(window.high == expected_window.high);
  scan.set_slices(layout, window, edge);
  // More than are prepared at once.
  std::vector<std::int64_t> slices;
  for (std::int64_t i = 0; i < 19; ++i) slices.push_back(i * 3 % layout.count);
  const std::size_t pixels = edge * edge;
  const DeviceValues out(plugin(), slices.size() * pixels * dtype_size(dtype));
  scan.prepare_slices(slices, dtype, out.data());
  scan.synchronize();
  std::vector<float> found(slices.size() * pixels);
  if (dtype == DType::kF32) {
    found = out.read<float>();
  } else {
    const auto halves = out.read<std::uint16_t>();
    std::transform(halves.begin(), halves.end(), found.begin(), half_to_float);
  }

  Difference difference;
  SliceResizer resizer(layout.height, layout.width, edge);
  std::vector<std::uint8_t> slice(layout.pixels()), resized(pixels);
  for (std::size_t i = 0; i < slices.size(); ++i) {
    window_slice(volume, layout, slices[i], window, slice);
    resizer.resize(slice, resized);
    for (std::size_t p = 0; p < pixels; ++p) {
      const double off = std::abs(found[i * pixels + p] - static_cast<float>(resized[p]));
      difference.pixels += off != 0;
      difference.most = std::max(difference.most, off);
    }
  }
  return difference;
}

void check_same(const Difference& difference) {
  CHECK(difference.most <= 1);
  CHECK(difference.pixels <= 3);
}

TEST_CASE("slices prepared on a GPU are the CPU's, enlarged and reduced, in any orientation") {
  for (const Affine& affine : {kAxial, kCoronal}) {
    const Volume volume = make_volume<std::int16_t>(DType::kI16, affine, -800, 1300);
    check_same(compare(volume, Conventions::kExact, 64, DType::kF32));
    check_same(compare(volume, Conventions::kReference, 16, DType::kF16));
  }
  Volume scaled = make_volume<float>(DType::kF32, kAxial, -3, 3);
  scaled.slope = 200;
  scaled.intercept = 17;
  check_same(compare(scaled, Conventions::kReference, 40, DType::kF32));
}

TEST_CASE("NaN and an empty window are black on a GPU") {
  Volume volume = make_volume<float>(DType::kF32, kAxial, -800, 1300);
  reinterpret_cast<float*>(volume.data.data())[900] = std::numeric_limits<float>::quiet_NaN();
  check_same(compare(volume, Conventions::kExact, 32, DType::kF32));
  const Volume flat = make_volume<std::int16_t>(DType::kI16, kAxial, 40, 40);
  check_same(compare(flat, Conventions::kReference, 32, DType::kF32));
}

TEST_CASE("slices that are not there, or not known, are refused on a GPU") {
  const Volume volume = make_volume<std::int16_t>(DType::kI16, kAxial, -800, 1300);
  DeviceScan scan(plugin(), 0);
  const DeviceValues out(plugin(), 4 * 16 * 16);
  const auto prepare = [&](std::int64_t slice) {
    scan.prepare_slices(std::array{slice}, DType::kF32, out.data());
  };
  scan.load(volume, kTask);
  CHECK_THROWS_AS(prepare(0), Error);
  scan.set_slices(slice_layout(volume.affine, volume.shape), {}, 16);
  prepare(4);
  CHECK_THROWS_AS(prepare(5), Error);
  CHECK_THROWS_AS(prepare(-1), Error);
  SliceLayout other = slice_layout(volume.affine, volume.shape);
  ++other.count;
  CHECK_THROWS_AS(scan.set_slices(other, {}, 16), Error);
  scan.synchronize();
}

}  // namespace
}  // namespace medlsam::cuda
