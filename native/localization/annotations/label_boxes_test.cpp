#include "localization/annotations/label_boxes.hpp"

#include <algorithm>

#include "testing/segmentation_data.hpp"
#include "volumes/orientation.hpp"

using namespace medlsam;
using namespace medlsam::test;

namespace {

constexpr Index3 kShape = {12, 6, 7};  // in LAS order, z to the head

// An organ in LAS voxels: a label in a box, both bounds included.
struct Block {
  std::uint8_t label;
  Index3 first, last;
};

// Stored bounds of a block, for a volume stored along `orientation`.
VoxelBox stored(const Block& block, const Orientation& orientation) {
  VoxelBox box;
  for (int a = 0; a < 3; ++a) {
    const int axis = orientation.stored_axis[a];
    const bool flipped = orientation.flipped[a];
    box.min[axis] = flipped ? kShape[a] - 1 - block.last[a] : block.first[a];
    box.max[axis] = flipped ? kShape[a] - 1 - block.first[a] : block.last[a];
  }
  return box;
}

Volume label_map(const std::string& codes, const std::vector<Block>& blocks) {
  Volume volume;
  volume.affine = affine_of(codes);
  volume.dtype = DType::kU8;
  const Orientation orientation = las_orientation(volume.affine);
  for (int a = 0; a < 3; ++a) volume.shape[orientation.stored_axis[a]] = kShape[a];
  volume.data.resize(volume.voxels());
  for (const Block& block : blocks) {
    const VoxelBox box = stored(block, orientation);
    for (std::int64_t z = box.min[0]; z <= box.max[0]; ++z) {
      for (std::int64_t y = box.min[1]; y <= box.max[1]; ++y) {
        const std::int64_t row = (z * volume.shape[1] + y) * volume.shape[2];
        std::fill_n(volume.data.begin() + row + box.min[2], box.max[2] - box.min[2] + 1,
                    std::byte{block.label});
      }
    }
  }
  return volume;
}

void check_box(const VoxelBox& found, const VoxelBox& expected) {
  CHECK(found.min == expected.min);
  CHECK(found.max == expected.max);
}

}  // namespace

TEST_CASE("label boxes: whole and in parts from the feet upward, in stored voxels of any order") {
  // Label 2 is narrow below and wide above; label 9 is one voxel.
  const std::vector<Block> blocks = {
      {2, {1, 2, 3}, {5, 3, 4}}, {2, {6, 1, 2}, {9, 4, 6}}, {9, {11, 5, 0}, {11, 5, 0}}};
  for (const std::string codes : {"LPS", "RAI", "LAS", "SLP", "PSL", "IRA"}) {
    CAPTURE(codes);
    const Volume volume = label_map(codes, blocks);
    const Orientation orientation = las_orientation(volume.affine);
    const std::vector<LabelCut> cuts = {{2, 2}, {5, 3}, {9, 4}};
    const auto organs = label_boxes(volume, cuts, two_threads());
    REQUIRE(organs.size() == 2);
    CHECK(organs[0].label == 2);
    check_box(organs[0].box, stored({2, {1, 1, 2}, {9, 4, 6}}, orientation));
    REQUIRE(organs[0].parts.size() == 2);
    // Parts meet on slice 5, whose voxels belong to the upper one.
    check_box(organs[0].parts[0], stored({2, {1, 2, 3}, {5, 3, 4}}, orientation));
    check_box(organs[0].parts[1], stored({2, {5, 1, 2}, {9, 4, 6}}, orientation));
    CHECK(organs[1].label == 9);
    REQUIRE(organs[1].parts.size() == 1);
    check_box(organs[1].parts[0], organs[1].box);
  }
}

TEST_CASE(
    "label boxes: an organ that is not cut is its own part; a part without voxels has those of the one "
    "below") {
  const std::vector<Block> blocks = {{1, {0, 0, 0}, {1, 1, 1}}, {1, {8, 3, 3}, {9, 5, 5}}};
  const Volume volume = label_map("LAS", blocks);
  const auto whole = label_boxes(volume, {}, {});
  REQUIRE(whole.size() == 1);
  REQUIRE(whole[0].parts.size() == 1);
  check_box(whole[0].parts[0], {{0, 0, 0}, {9, 5, 5}});
  const std::vector<LabelCut> cuts = {{1, 3}};
  const auto cut = label_boxes(volume, cuts, {});
  REQUIRE(cut[0].parts.size() == 3);
  check_box(cut[0].parts[0], {{0, 0, 0}, {3, 1, 1}});
  check_box(cut[0].parts[1], {{3, 0, 0}, {6, 1, 1}});
  check_box(cut[0].parts[2], {{6, 3, 3}, {9, 5, 5}});
}

TEST_CASE("label boxes: an empty map has none, values that are not labels are refused") {
  CHECK(label_boxes(label_map("LPS", {}), {}, {}).empty());
  Volume scan = label_map("LPS", {{1, {0, 0, 0}, {1, 1, 1}}});
  scan.slope = 0.5;
  try {
    label_boxes(scan, {}, {});
    FAIL("half labels were accepted");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kBadLabels);
  }
}
