// Augmentation, scans on disk and the loader: what of training needs no libtorch.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>

#include "training_data/augment.hpp"
#include "training_data/loader.hpp"
#include "training_data/medlam_batch.hpp"

namespace medlsam::training {
namespace {

constexpr std::int64_t kCrop = 24, kPatch = 16;

std::size_t flat(std::int64_t z, std::int64_t y, std::int64_t x, std::int64_t edge) {
  return static_cast<std::size_t>((z * edge + y) * edge + x);
}

// A crop whose value says where it is along an axis.
std::vector<float> ramp(int axis) {
  std::vector<float> crop;
  for (std::int64_t z = 0; z < kCrop; ++z) {
    for (std::int64_t y = 0; y < kCrop; ++y) {
      for (std::int64_t x = 0; x < kCrop; ++x)
        crop.push_back(static_cast<float>(axis == 0 ? z : axis == 1 ? y : x));
    }
  }
  return crop;
}

Grid ramp_grid(const Index3& inner) {
  Grid grid;
  for (int a = 0; a < 3; ++a) grid.shape[a] = inner[a] + 2 * kGridPadding;
  grid.values.resize(static_cast<std::size_t>(grid.shape[0] * grid.shape[1] * grid.shape[2]));
  for (std::int64_t z = 0; z < inner[0]; ++z) {
    for (std::int64_t y = 0; y < inner[1]; ++y) {
      for (std::int64_t x = 0; x < inner[2]; ++x) {
        const std::int64_t row = ((z + kGridPadding) * grid.shape[1] + y + kGridPadding) * grid.shape[2];
        grid.values[static_cast<std::size_t>(row + x + kGridPadding)] =
            0.25f + 0.5f * static_cast<float>(x) / static_cast<float>(inner[2]);
      }
    }
  }
  return grid;
}

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() /
      ("medlsam-training-" + std::to_string(std::hash<std::string>{}(__FILE__) % 1000) + "-" +
       std::to_string(static_cast<unsigned>(getpid())));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
};

TEST_CASE("without deformation the middle of the crop comes back, and the map says where it was") {
  const auto crop = ramp(2);
  const Augmented same = deform(crop, kCrop, kPatch, {});
  const std::size_t at = flat(3, 5, 7, kPatch);
  CHECK(same.values[at] == 7 + 4);
  const std::size_t voxels = same.values.size();
  CHECK(same.positions[at] == 3 + 4);
  CHECK(same.positions[voxels + at] == 5 + 4);
  CHECK(same.positions[2 * voxels + at] == 7 + 4);
}

TEST_CASE("the map says where the content of every deformed voxel comes from") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Random random({seed});
    const Deformation deformation = draw_deformation(random);
    for (int axis = 0; axis < 3; ++axis) {
      const Augmented moved = deform(ramp(axis), kCrop, kPatch, deformation);
      const std::size_t voxels = moved.values.size();
      std::size_t compared = 0;
      for (std::size_t i = 0; i < voxels; ++i) {
        bool inside = true;
        for (std::size_t a = 0; a < 3; ++a) {
          const float at = moved.positions[a * voxels + i];
          inside = inside && at >= 0 && at <= kCrop - 1;
        }
        if (!inside) continue;
        ++compared;
        const float wanted = moved.positions[static_cast<std::size_t>(axis) * voxels + i];
        if (std::abs(moved.values[i] - wanted) > 1e-3f) FAIL_CHECK("voxel ", i, " of seed ", seed);
      }
      CHECK(compared > voxels / 2);
    }
  }
}

TEST_CASE("deformations stay within their bounds, and about half of each kind happens") {
  int affine = 0, elastic = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Random random({7, seed});
    const Deformation deformation = draw_deformation(random);
    affine += deformation.affine != Deformation{}.affine ? 1 : 0;
    elastic += deformation.elastic ? 1 : 0;
    if (!deformation.elastic) continue;
    for (const float value : *deformation.elastic) REQUIRE(std::abs(value) <= 3);
  }
  CHECK(affine > 150);
  CHECK(affine < 250);
  CHECK(elastic > 150);
  CHECK(elastic < 250);
}

TEST_CASE("a uniform displacement of all control points moves everything by it") {
  Deformation deformation;
  deformation.elastic.emplace(3 * 125, 0.0f);
  std::fill_n(deformation.elastic->begin() + 125, 125, 2.0f);
  const Augmented moved = deform(ramp(1), kCrop, kPatch, deformation);
  CHECK(moved.values[flat(2, 3, 4, kPatch)] == doctest::Approx(3 + 4 + 2));
}

TEST_CASE("intensities are remapped by three sigmoids") {
  CHECK(remap({0.3f, 0.5f, 0.7f}, 0.5f) == doctest::Approx(0.5));
  CHECK(remap({0.3f, 0.5f, 0.7f}, 0.0f) < 0.02f);
  CHECK(remap({0.3f, 0.5f, 0.7f}, 1.0f) > 0.98f);
}

TEST_CASE("normal numbers have mean 0 and deviation 1") {
  Random random({1, 2, 3});
  double sum = 0, squares = 0;
  constexpr int kCount = 20000;
  for (int i = 0; i < kCount; ++i) {
    const auto value = static_cast<double>(random.normal());
    sum += value;
    squares += value * value;
  }
  CHECK(std::abs(sum / kCount) < 0.03);
  CHECK(squares / kCount == doctest::Approx(1).epsilon(0.05));
}

TEST_CASE("a scan on disk is its grid without padding, 0 outside") {
  const Folder folder;
  const std::string path = folder.file("scan");
  write_scan(path, ramp_grid({10, 20, 30}));
  const Scan scan(path);
  CHECK(scan.shape() == Index3{10, 20, 30});
  CHECK(scan.at({0, 0, 15}) == doctest::Approx(0.5));
  CHECK(scan.at({-1, 0, 15}) == 0);
  const auto block = scan.block({-2, 19, 28}, 4);
  CHECK(block[flat(2, 0, 0, 4)] == scan.at({0, 19, 28}));
  CHECK(block[flat(1, 0, 0, 4)] == 0);
  CHECK(block[flat(2, 1, 0, 4)] == 0);
  CHECK(block[flat(2, 0, 2, 4)] == 0);
  std::ofstream(folder.file("other")) << "nothing of the kind";
  CHECK_THROWS_AS(Scan(folder.file("other")), Error);
}

TEST_CASE("a batch: offsets, points and positions belong together, and a seed repeats it") {
  const Folder folder;
  write_scan(folder.file("scan"), ramp_grid({40, 50, 60}));
  std::vector<Scan> scans;
  scans.emplace_back(folder.file("scan"));
  const auto draw = [&](std::uint64_t seed) { return draw_batch(scans, 2, kPatch, Random({seed})); };
  const Batch batch = draw(3), same = draw(3), other = draw(4);
  CHECK(batch.sides[1].augmented == same.sides[1].augmented);
  CHECK(batch.sides[1].augmented != other.sides[1].augmented);
  const std::size_t voxels = kPatch * kPatch * kPatch;
  for (const Side& side : batch.sides) {
    CHECK(side.clean.size() == 2 * voxels);
    CHECK(side.positions.size() == 6 * voxels);
    CHECK(side.points.size() == 3 * kPoints);
    CHECK(side.point_positions.size() == 6 * kPoints);
  }
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t a = 0; a < 3; ++a) {
      // Point 0 of either side, moved to the corner of its patch.
      const auto corner = [&](const Side& side) {
        return side.point_positions[3 * kPoints * n + a] - 3 * static_cast<float>(side.points[a]);
      };
      CHECK(batch.offsets[3 * n + a] == corner(batch.sides[0]) - corner(batch.sides[1]));
    }
  }
}

TEST_CASE("a process that wants some scans of a batch gets these as in the whole batch") {
  const Folder folder;
  write_scan(folder.file("scan"), ramp_grid({40, 50, 60}));
  std::vector<Scan> scans;
  scans.emplace_back(folder.file("scan"));
  constexpr std::int64_t kScans = 3, kVoxels = kPatch * kPatch * kPatch;
  // Seeds of every combination of what augmentation draws.
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const Batch whole = draw_batch(scans, kScans, kPatch, Random({seed}));
    const Batch part =
        draw_batch(scans, kScans, kPatch, Random({seed}), {}, [](std::int64_t scan) { return scan == 1; });
    CHECK(part.offsets == whole.offsets);
    for (std::size_t s = 0; s < 2; ++s) {
      const Side &all = whole.sides[s], &some = part.sides[s];
      CHECK(some.clean == all.clean);
      CHECK(some.points == all.points);
      CHECK(some.point_positions == all.point_positions);
      REQUIRE(some.augmented.size() == all.augmented.size());
      REQUIRE(some.positions.size() == all.positions.size());
      const auto middle = [](const std::vector<float>& values, std::int64_t size) {
        return std::vector<float>(values.begin() + size, values.begin() + 2 * size);
      };
      CHECK(middle(some.augmented, kVoxels) == middle(all.augmented, kVoxels));
      CHECK(middle(some.positions, 3 * kVoxels) == middle(all.positions, 3 * kVoxels));
      CHECK(std::all_of(some.augmented.begin() + 2 * kVoxels, some.augmented.end(),
                        [](float value) { return value == 0; }));
    }
  }
}

TEST_CASE("the loader hands batches over in order, whatever its threads") {
  const auto make = [](std::int64_t step) {
    Batch batch;
    batch.offsets = {static_cast<float>(step)};
    return batch;
  };
  Loader<Batch> loader(make, 5, 3);
  for (int step = 5; step < 40; ++step) CHECK(loader.next().offsets[0] == static_cast<float>(step));
}

TEST_CASE("the loader passes on what went wrong, and can be dropped at any time") {
  Loader<Batch> loader([](std::int64_t) -> Batch { throw Error(ErrorCode::kReadFailed, "gone"); }, 0, 2);
  CHECK_THROWS_WITH(loader.next(), "gone");
}

}  // namespace
}  // namespace medlsam::training
