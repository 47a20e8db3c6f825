#include "cuda/scan/gpu_sources.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "localization/grid/gpu_grid.hpp"
#include "testing/plugin_under_test.hpp"

namespace medlsam::cuda {
namespace {

using testing::DeviceValues;

const Task kTask{.threads = 2, .cancelled = nullptr, .on_progress = nullptr};
const Device kGpu{DeviceKind::kCuda, 0};

const MedlsamCudaTable& plugin() {
  return testing::plugin_under_test(MEDLSAM_HOST_PLUGIN);
}

// Values that a network left on the GPU.
class NetworkOutput : public Storage {
 public:
  explicit NetworkOutput(const std::vector<std::uint16_t>& halves) : values_(plugin(), halves) {}
  Device device() const override { return kGpu; }
  const std::byte* host() const override { return nullptr; }
  const std::byte* address() const override { return static_cast<const std::byte*>(values_.data()); }
  void read(std::size_t offset, std::span<std::byte> to) const override {
    const auto all = values_.read<std::byte>();
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(offset), to.size(), to.begin());
  }

 private:
  DeviceValues values_;
};

// Random values, exact in float16, on the GPU and on the host.
struct BothTensors {
  BothTensors(const Shape& shape, unsigned seed) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<std::uint16_t> halves(shape_elements(shape));
    for (std::uint16_t& half : halves) half = float_to_half(uniform(generator));
    std::vector<float> floats(halves.size());
    std::transform(halves.begin(), halves.end(), floats.begin(), half_to_float);
    on_gpu = Tensor(DType::kF16, shape, std::make_shared<NetworkOutput>(halves));
    on_host = Tensor::on_host(std::move(floats), shape);
  }
  Tensor on_gpu, on_host;
};

Volume make_volume() {
  Volume volume;
  volume.shape = {12, 21, 17};
  volume.affine = {-2, 0, 0, 0, 0, 2.5, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1};
  std::vector<std::int16_t> values(volume.voxels());
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<std::int16_t>(static_cast<int>(i * 37 % 2500) - 1000);
  const auto bytes = std::as_bytes(std::span(values));
  volume.data.assign(bytes.begin(), bytes.end());
  return volume;
}

std::size_t differing(const Tensor& a, const Tensor& b) {
  const Tensor first = a.to_host(), second = b.to_host();
  REQUIRE(first.shape() == second.shape());
  std::size_t count = 0;
  for (std::size_t i = 0; i < first.elements(); ++i) count += first.floats()[i] != second.floats()[i];
  return count;
}

bool same_values(const Tensor& a, const Tensor& b) {
  return differing(a, b) == 0;
}

TEST_CASE("patches from a GPU are those from the host, and stay there") {
  const Grid grid = make_grid(make_volume(), Conventions::kExact, false, kTask);
  const auto source = open_gpu_patches(plugin(), grid, kGpu);
  const std::vector<Index3> centers = {{38, 40, 41}, {1, 2, 3}};
  const Tensor patches = source->patches(centers, 16);
  CHECK(patches.device() == kGpu);
  CHECK(same_values(patches, HostPatches(grid).patches(centers, 16)));
}

TEST_CASE("features on a GPU are searched and made into kernels there, those on the host on the host") {
  constexpr int kEdge = 16, kChannels = 5;
  const Grid grid = make_grid(make_volume(), Conventions::kExact, false, kTask);
  // The network's first output, positions.
  const BothTensors positions({3, 3}, 9);
  std::vector<Tensor> on_gpu = {positions.on_gpu}, on_host = {positions.on_host};
  for (int scale = 0; scale < kScales; ++scale) {
    const std::int64_t edge = kEdge >> (2 - scale);
    const BothTensors both({3, kChannels, edge, edge, edge}, static_cast<unsigned>(scale));
    on_gpu.push_back(both.on_gpu);
    on_host.push_back(both.on_host);
  }
  Templates templates(2, kChannels);
  for (std::size_t point : {0, 1}) {
    const float position[3] = {0, 0, 0};
    const auto from = [&](int scale) { return on_host[scale + 1].slice(2 - point, 3 - point); };
    const Tensor a = from(0), b = from(1), c = from(2);
    templates.add(point, position, {a.floats(), b.floats(), c.floats()}, kEdge);
  }
  const std::vector<PatchPoint> points = {{0, 1, {}}, {2, 0, {}}, {1, 1, {{2, 3, 4}, 1e-3F}}};
  const std::array<bool, kScales> scales = {true, false, true};
  const auto source = open_gpu_patches(plugin(), grid, kGpu);
  const auto expected = HostPatches(grid).find_peaks(on_host, templates, scales, kEdge, points, kTask);
  for (const auto& outputs : {on_gpu, on_host}) {
    const auto found = source->find_peaks(outputs, templates, scales, kEdge, points, kTask);
    REQUIRE(found.size() == points.size());
    for (std::size_t i = 0; i < points.size(); ++i) {
      CHECK(found[i].voxel == expected[i].voxel);
      CHECK(std::abs(found[i].value - expected[i].value) < 1e-5);
    }
  }
  // The kernels that these features would make, were they of supports.
  const auto kernels = HostPatches(grid).support_kernels(on_host, kTask);
  for (const auto& outputs : {on_gpu, on_host}) {
    const auto made = source->support_kernels(outputs, kTask);
    for (int scale = 0; scale < kScales; ++scale) {
      REQUIRE(made[scale].size() == 3 * templates.kernel_elements(scale));
      for (std::size_t i = 0; i < made[scale].size(); ++i)
        CHECK(std::abs(made[scale][i] - kernels[scale][i]) < 1e-6);
    }
  }
  // One support's kernels are its template's.
  std::vector<float> of_template(templates.kernel_elements(2));
  templates.kernel(1, 2, of_template);
  CHECK(std::equal(of_template.begin(), of_template.end(), kernels[2].begin() + of_template.size()));
}

TEST_CASE("pictures and masks of slices from a GPU are those from the host") {
  const Volume volume = make_volume();
  const SlicedScan scan{&volume, slice_layout(volume.affine, volume.shape), Conventions::kReference, 32, 8};
  const auto source = open_gpu_slices(plugin(), scan, kGpu, kTask);
  HostSlices host(scan, kTask);
  CHECK(differing(source->picture(5, kTask), host.picture(5, kTask)) <= 1);

  const BothTensors logits({3, 2, 8, 8}, 7), ious({3, 2}, 8);
  const std::array<std::size_t, 3> organs = {2, 0, 1};
  const ScanMasks none(volume.affine, volume.shape, 3);
  ScanMasks expected_masks = none;
  host.decode(5, {logits.on_host, ious.on_host}, organs, expected_masks, kTask);
  for (const SamMasks& found :
       {SamMasks{logits.on_gpu, ious.on_gpu}, SamMasks{logits.on_host, ious.on_host}}) {
    ScanMasks masks = none;
    source->decode(5, found, organs, masks, kTask);
    source->finish(5, masks, kTask);
    source->deliver(masks, kTask);
    for (std::size_t i = 0; i < organs.size(); ++i) {
      const SliceMask &mask = masks.organs[i].slices[5], &wanted = expected_masks.organs[i].slices[5];
      CHECK(mask.top == wanted.top);
      CHECK(mask.left == wanted.left);
      REQUIRE(mask.levels.size() == wanted.levels.size());
      for (std::size_t p = 0; p < mask.levels.size(); ++p)
        REQUIRE(std::abs(mask.levels[p] - wanted.levels[p]) <= 1);
    }
  }
}

TEST_CASE("a grid that the GPU made is the CPU's, and stays there for one source after another") {
  register_gpu_sources(plugin());
  const Volume volume = make_volume();
  const Grid grid = make_grid_on(kGpu, volume, Conventions::kExact, false, kTask);
  const Grid expected = make_grid_on({}, volume, Conventions::kExact, false, kTask);
  CHECK(grid.on_gpu != nullptr);
  CHECK(expected.on_gpu == nullptr);
  REQUIRE(grid.shape == expected.shape);
  REQUIRE(grid.voxels() == expected.voxels());
  float most = 0;
  for (std::size_t i = 0; i < grid.voxels(); ++i)
    most = std::max(most, std::abs(grid.values[i] - expected.values[i]));
  CHECK(most < 2e-6F);

  const std::vector<Index3> centers = {{38, 40, 41}, {1, 2, 3}};
  const Tensor wanted = HostPatches(grid).patches(centers, 16);
  for (int turn = 0; turn < 2; ++turn) {
    // The second of two at once has a copy of its own.
    const auto first = open_patches(grid, kGpu), second = open_patches(grid, kGpu);
    for (const auto& source : {first.get(), second.get()}) {
      const Tensor patches = source->patches(centers, 16);
      CHECK(patches.device() == kGpu);
      CHECK(same_values(patches, wanted));
    }
  }
}

TEST_CASE(
    "a volume that cannot be a grid is refused by the GPU as by the CPU, and one that does not fit left to "
    "it") {
  register_gpu_sources(plugin());
  Volume volume = make_volume();
  setenv("MEDLSAM_STAND_IN_MEMORY", "0", 1);
  const Grid made = make_grid_on(kGpu, volume, Conventions::kExact, false, kTask);
  unsetenv("MEDLSAM_STAND_IN_MEMORY");
  CHECK((made.on_gpu == nullptr || std::getenv("MEDLSAM_CUDA") != nullptr));
  CHECK(made.voxels() > 0);
  volume.data.assign(volume.data.size(), std::byte{0});
  volume.on_gpu.set(nullptr);
  for (const Device device : {kGpu, Device{}}) {
    try {
      make_grid_on(device, volume, Conventions::kExact, false, kTask);
      FAIL("A volume of one value has no grid.");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kBadVolume);
    }
  }
}

TEST_CASE(
    "a volume that was gridded on a GPU is there for its slices, and a changed copy is another volume") {
  register_gpu_sources(plugin());
  const Volume volume = make_volume();
  const Grid grid = make_grid_on(kGpu, volume, Conventions::kExact, false, kTask);
  const auto there = volume.on_gpu.get();
  CHECK(there != nullptr);
  Volume changed = volume;
  CHECK(changed.on_gpu.get() == nullptr);
  std::reverse(changed.data.begin(), changed.data.end());
  for (const Volume* each : {&volume, static_cast<const Volume*>(&changed)}) {
    const SlicedScan scan{each, slice_layout(each->affine, each->shape), Conventions::kExact, 32, 8};
    CHECK(differing(open_slices(scan, kGpu, kTask)->picture(5, kTask),
                    HostSlices(scan, kTask).picture(5, kTask)) <= 1);
  }
  CHECK(volume.on_gpu.get() == there);
  CHECK(changed.on_gpu.get() != nullptr);
  Volume moved = std::move(changed);
  CHECK(moved.on_gpu.get() == nullptr);
  moved = volume;
  CHECK(moved.on_gpu.get() == nullptr);

  void* session = nullptr;
  check(plugin(), plugin().open_session(0, nullptr, &session));
  void* shared = nullptr;
  CHECK_THROWS_AS(check(plugin(), plugin().share_volume(session, &shared)), Error);
  plugin().close_session(session);
}

TEST_CASE("networks on a GPU get their patches and slices from it once the plugin is registered") {
  const Volume volume = make_volume();
  const Grid grid = make_grid(volume, Conventions::kExact, false, kTask);
  const SlicedScan scan{&volume, slice_layout(volume.affine, volume.shape), Conventions::kExact, 32, 8};
  const std::vector<Index3> centers = {{38, 40, 41}};
  register_gpu_patches({});
  CHECK(open_patches(grid, kGpu)->patches(centers, 8).device().is_cpu());
  register_gpu_sources(plugin());
  CHECK(open_patches(grid, kGpu)->patches(centers, 8).device() == kGpu);
  CHECK(open_patches(grid, {})->patches(centers, 8).device().is_cpu());
  // A GPU that is not there.
  CHECK(open_patches(grid, {DeviceKind::kCuda, 99})->patches(centers, 8).device().is_cpu());
  CHECK(open_slices(scan, kGpu, kTask)->picture(0, kTask).device() == kGpu);
  // The volume fits, but not the room for its masks.
  setenv("MEDLSAM_STAND_IN_MEMORY", "8", 1);
  const auto without_room = open_slices(scan, kGpu, kTask);
  unsetenv("MEDLSAM_STAND_IN_MEMORY");
  CHECK((without_room->picture(0, kTask).device().is_cpu() || std::getenv("MEDLSAM_CUDA") != nullptr));
  register_gpu_patches({});
  register_gpu_slices({});
  register_gpu_grids({});
}

}  // namespace
}  // namespace medlsam::cuda
