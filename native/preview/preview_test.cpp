#include "preview/preview.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "testing/nifti_bytes.hpp"
#include "testing/png_bytes.hpp"
#include "testing/segmentation_data.hpp"

using namespace medlsam;
using namespace medlsam::test;

namespace {

constexpr Color kRed = {255, 0, 0}, kGreen = {0, 255, 0}, kBackground = {64, 64, 64}, kBlack{};
constexpr std::int64_t kGap = 4;

// A patient of 8 mm from right to left, 16 mm from front to back, 32 mm from head to feet: the longest edge,
// so 16 pixels a millimeter. Voxels of 1 × 2 × 4 mm, made from their indices (from the head, front, right) by
// `hu` and stored along `codes`.
constexpr Index3 kVoxels = {8, 8, 8};
constexpr std::array<double, 3> kSpacing = {4, 2, 1};
constexpr Index3 kPixels = {512, 256, 128};

struct Stored {
  Volume volume;
  SliceLayout layout;
  std::array<int, 3> axis{};  // of the stored (z, y, x), for head–feet, front–back, right–left
  std::array<bool, 3> reversed{};

  Index3 index(const Index3& patient) const {
    Index3 stored;
    for (int a = 0; a < 3; ++a) stored[axis[a]] = reversed[a] ? kVoxels[a] - 1 - patient[a] : patient[a];
    return stored;
  }
  VoxelBox box(const Index3& first, const Index3& last) const {
    const Index3 a = index(first), b = index(last);
    VoxelBox both;
    for (int i = 0; i < 3; ++i) std::tie(both.min[i], both.max[i]) = std::minmax({a[i], b[i]});
    return both;
  }
};

template <class Hu>
Stored stored_along(const std::string& codes, Hu&& hu) {
  Stored patient;
  Volume& volume = patient.volume;
  volume.affine = affine_of(codes);
  volume.shape = kVoxels;
  volume.slope = 2;
  volume.intercept = -1000;
  for (int column = 0; column < 3; ++column) {
    const int a = codes[column] == 'S' || codes[column] == 'I'   ? 0
                  : codes[column] == 'A' || codes[column] == 'P' ? 1
                                                                 : 2;
    patient.axis[a] = 2 - column;
    patient.reversed[a] = codes[column] == 'S' || codes[column] == 'A' || codes[column] == 'R';
    for (int row = 0; row < 3; ++row) volume.affine[4 * row + column] *= kSpacing[a];
  }
  // The letters say where an axis points to: one that points to the head, the front or the right is reversed.
  std::vector<std::int16_t> values(volume.voxels());
  for (std::int64_t i = 0; i < 512; ++i) {
    const Index3 at = {i / 64, i / 8 % 8, i % 8}, stored = patient.index(at);
    values[(stored[0] * 8 + stored[1]) * 8 + stored[2]] =
        static_cast<std::int16_t>((hu(at) - volume.intercept) / volume.slope);
  }
  const auto bytes = std::as_bytes(std::span(values));
  volume.data.assign(bytes.begin(), bytes.end());
  patient.layout = slice_layout(volume.affine, volume.shape);
  return patient;
}

OrganMask mask_of(const Stored& patient, const Index3& first, const Index3& last) {
  const SliceLayout& layout = patient.layout;
  const VoxelBox box = patient.box(first, last);
  std::array<std::vector<float>, 8> slices;
  slices.fill(std::vector<float>(layout.pixels()));
  for (std::int64_t z = box.min[layout.axis[0]]; z <= box.max[layout.axis[0]]; ++z)
    for (std::int64_t y = box.min[layout.axis[1]]; y <= box.max[layout.axis[1]]; ++y)
      for (std::int64_t x = box.min[layout.axis[2]]; x <= box.max[layout.axis[2]]; ++x)
        slices[z][y * layout.width + x] = 1;
  OrganMask mask(layout);
  for (std::size_t z = 0; z < 8; ++z) {
    mask.slices[z] = crop_mask(slices[z], layout.height, layout.width);
  }
  return mask;
}

// Where the three slices lie in the picture: their top left.
struct Corner {
  std::int64_t x, y;
};
constexpr Corner kAxial = {0, (512 - 256) / 2}, kCoronal = {128 + kGap, 0}, kSagittal = {2 * (128 + kGap), 0};

struct Rectangle {
  std::int64_t left, top, right, bottom;  // inclusive
  bool on_edge(std::int64_t x, std::int64_t y) const {
    const bool inside = x >= left && x <= right && y >= top && y <= bottom;
    return inside && (x == left || x == right || y == top || y == bottom);
  }
};

double air(const Index3&) {
  return -1000;
}

const std::vector<std::string> kOrientations = {"LPS", "RAI", "LAS", "RAS", "SLP", "PSL", "ASR", "IRA"};

}  // namespace

TEST_CASE("preview: the same picture of the patient, however the scan is stored") {
  // Bright to the right, less so to the front, gray to the head.
  const auto hu = [](const Index3& at) { return at[2] < 2 ? 240 : at[1] < 2 ? 140 : at[0] < 2 ? 40 : -160; };
  std::vector<std::byte> first;
  for (const std::string& codes : kOrientations) {
    CAPTURE(codes);
    const Stored patient = stored_along(codes, hu);
    const OrganMask mask = mask_of(patient, {3, 2, 5}, {6, 4, 6});
    const std::vector<PreviewOrgan> organs = {{&mask, {}, kRed},
                                              {nullptr, {patient.box({1, 1, 1}, {5, 6, 7})}, kGreen}};
    const auto file = render_preview(patient.volume, organs, two_threads());
    if (first.empty()) first = file;
    CHECK(file == first);
  }
  const Stored patient = stored_along("LPS", hu);
  const DecodedPng picture = decode_png(render_preview(patient.volume, {}, {}));
  constexpr Color kWhite = {255, 255, 255}, kBright = {191, 191, 191}, kGrey = {128, 128, 128};
  CHECK(picture.at(kAxial.x + 4, kAxial.y + 200) == kWhite);   // right is on the left
  CHECK(picture.at(kAxial.x + 100, kAxial.y + 4) == kBright);  // front up
  CHECK(picture.at(kAxial.x + 100, kAxial.y + 200) == kBlack);
  CHECK(picture.at(kCoronal.x + 4, kCoronal.y + 300) == kWhite);
  CHECK(picture.at(kCoronal.x + 100, kCoronal.y + 4) == kGrey);  // head up
  CHECK(picture.at(kCoronal.x + 100, kCoronal.y + 500) == kBlack);
  CHECK(picture.at(kSagittal.x + 4, kSagittal.y + 300) == kBright);  // front on the left
  CHECK(picture.at(kSagittal.x + 200, kSagittal.y + 4) == kGrey);
  CHECK(picture.at(kSagittal.x + 200, kSagittal.y + 500) == kBlack);
}

TEST_CASE("preview: the slices' proportions are the patient's") {
  const DecodedPng picture = decode_png(render_preview(stored_along("LPS", air).volume, {}, {}));
  CHECK(picture.width == 2 * kPixels[2] + kPixels[1] + 2 * kGap);
  CHECK(picture.height == kPixels[0]);
  CHECK(picture.at(kAxial.x + 127, kAxial.y) == kBlack);
  CHECK(picture.at(kAxial.x + 127, kAxial.y - 1) == kBackground);
  CHECK(picture.at(kAxial.x + 127, kAxial.y + 255) == kBlack);
  CHECK(picture.at(kAxial.x + 127, kAxial.y + 256) == kBackground);
  CHECK(picture.at(kCoronal.x - 1, 0) == kBackground);
  CHECK(picture.at(kCoronal.x, 0) == kBlack);
  CHECK(picture.at(kSagittal.x - 1, 511) == kBackground);
  CHECK(picture.at(kSagittal.x, 511) == kBlack);
}

TEST_CASE("preview: the planes that were asked for, in their order") {
  const Volume volume =
      stored_along("LPS", [](const Index3& at) { return static_cast<double>(40 * at[0]); }).volume;
  const auto picture = [&](std::vector<PreviewPlane> planes) {
    return decode_png(render_preview(volume, {}, {}, {}, planes));
  };
  const DecodedPng both = picture({PreviewPlane::kSagittal, PreviewPlane::kCoronal});
  CHECK(both.width == kPixels[1] + kGap + kPixels[2]);
  CHECK(both.height == kPixels[0]);
  CHECK(picture({PreviewPlane::kAxial}).height == kPixels[1]);
  CHECK_THROWS_WITH_AS(picture({}), doctest::Contains("a plane at least"), Error);
}

TEST_CASE("preview: greys between voxels are interpolated, NaN is black") {
  Volume volume;
  volume.shape = {1, 1, 2};
  volume.dtype = DType::kF32;
  volume.affine = affine_of("LPS");
  for (const auto& [left, at_quarter] : {std::pair{40.0f, 64}, {std::nanf(""), 0}}) {
    const std::array<float, 2> values = {left, -160};
    const auto bytes = std::as_bytes(std::span(values));
    volume.data.assign(bytes.begin(), bytes.end());
    const DecodedPng picture = decode_png(render_preview(volume, {}, {}));
    CHECK(picture.width == 512 + kGap + 512 + kGap + 256);
    CHECK(picture.height == 256);
    CHECK(picture.at(0, 0)[0] == (at_quarter > 0 ? 128 : 0));
    CHECK(picture.at(256, 0)[0] == doctest::Approx(at_quarter).epsilon(0.02));
    CHECK(picture.at(511, 255)[0] == 0);
  }
}

TEST_CASE("preview: contours of masks, one pixel wide") {
  for (const std::string& codes : kOrientations) {
    CAPTURE(codes);
    const Stored patient = stored_along(codes, air);
    const OrganMask mask =
        mask_of(patient, {2, 3, 4}, {4, 5, 7});  // its middle: 3, 4, 5; it meets the left edge
    const PreviewOrgan organ{&mask, {}, kRed};
    const DecodedPng picture = decode_png(render_preview(patient.volume, {&organ, 1}, two_threads()));
    // A voxel has 64 × 32 × 16 pixels from head to feet, front to back, right to left.
    const std::array<Rectangle, 3> expected = {{
        {kAxial.x + 4 * 16, kAxial.y + 3 * 32, kAxial.x + 8 * 16 - 1, kAxial.y + 6 * 32 - 1},
        {kCoronal.x + 4 * 16, kCoronal.y + 2 * 64, kCoronal.x + 8 * 16 - 1, kCoronal.y + 5 * 64 - 1},
        {kSagittal.x + 3 * 32, kSagittal.y + 2 * 64, kSagittal.x + 6 * 32 - 1, kSagittal.y + 5 * 64 - 1},
    }};
    std::size_t wrong = 0;
    for (std::int64_t y = 0; y < picture.height; ++y) {
      for (std::int64_t x = 0; x < picture.width; ++x) {
        const bool is_contour = std::any_of(expected.begin(), expected.end(),
                                            [&](const Rectangle& edge) { return edge.on_edge(x, y); });
        wrong += (picture.at(x, y) == kRed) != is_contour;
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("preview: boxes are dashed frames where the slices cut them") {
  const Stored patient = stored_along("LPS", air);
  // The middle of both: 3, 3, 3. The second is cut by the coronal and the sagittal slice alone.
  const PreviewOrgan organ{
      nullptr, {patient.box({1, 1, 1}, {3, 6, 6}), patient.box({5, 1, 1}, {6, 3, 3})}, kRed};
  const DecodedPng picture = decode_png(render_preview(patient.volume, {&organ, 1}, {}));
  const auto count = [&](std::int64_t left, std::int64_t top, std::int64_t right, std::int64_t bottom) {
    std::size_t red = 0;
    for (std::int64_t y = top; y <= bottom; ++y) {
      for (std::int64_t x = left; x <= right; ++x) red += picture.at(x, y) == kRed;
    }
    return red;
  };
  // Six voxels of 16 pixels: 96 on the upper side, of which dashes cover 4 of every 6. With them counts the
  // far corner, where the dashes of the next side begin.
  const std::int64_t left = kAxial.x + 16, top = kAxial.y + 32;
  CHECK(count(left, top, left + 95, top) == 65);
  CHECK(count(left, top, left, top + 191) == 129);
  CHECK(picture.at(left + 3, top) == kRed);
  CHECK(picture.at(left + 4, top) == kBlack);
  CHECK(count(left + 1, top + 1, left + 94, top + 190) == 0);
  CHECK(count(kAxial.x, 0, kAxial.x + 127, 511) == count(left, top, left + 95, top + 191));
  const std::int64_t under = 5 * 64;
  CHECK(count(kCoronal.x + 16, under, kCoronal.x + 63, under) == 33);
  CHECK(count(kSagittal.x + 32, under, kSagittal.x + 127, under) == 65);
}

TEST_CASE("preview: boxes beyond the volume are clipped or left out") {
  const Stored patient = stored_along("LPS", air);
  constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();
  const auto draw = [&](const std::vector<VoxelBox>& boxes) {
    const PreviewOrgan organ{nullptr, boxes, kRed};
    return render_preview(patient.volume, {&organ, 1}, {});
  };
  CHECK(draw({{{-kFar, -3, 0}, {kFar, 9, 7}}}) == draw({{{0, 0, 0}, {7, 7, 7}}}));
  const auto none = render_preview(patient.volume, {}, {});
  CHECK(draw({}) == none);
  CHECK(draw({{{8, 0, 0}, {kFar, 7, 7}}}) == none);  // outside
  CHECK(draw({{{5, 0, 0}, {4, 7, 7}}}) == none);     // upside down
  CHECK(draw({{{0, 0, 0}, {7, 7, 7}}}) != none);
}

TEST_CASE("preview: an organ's boxes, not its mask, say where its middle is; empty masks say nothing") {
  const Stored patient =
      stored_along("LPS", [](const Index3& at) { return 20.0 * static_cast<double>(at[0]); });
  const OrganMask low = mask_of(patient, {6, 0, 0}, {7, 7, 7}), empty(patient.layout);
  const auto axial_grey = [&](const PreviewOrgan& organ) {
    return decode_png(render_preview(patient.volume, {&organ, 1}, {})).at(kAxial.x + 64, kAxial.y + 100)[0];
  };
  const auto grey_of = [](int slice) { return std::lround((20 * slice + 160) / 400.0 * 255); };
  CHECK(axial_grey({&low, {patient.box({0, 0, 0}, {2, 7, 7})}, kRed}) == grey_of(1));
  CHECK(axial_grey({&low, {}, kRed}) == grey_of(6));
  CHECK(axial_grey({&empty, {}, kRed}) == grey_of(3));
}

TEST_CASE("preview: a legend below the slices names what is there") {
  const Stored patient = stored_along("LPS", air);
  const OrganMask mask = mask_of(patient, {3, 2, 5}, {6, 4, 6}), empty(patient.layout);
  const auto draw = [&](const std::vector<PreviewOrgan>& organs) {
    return decode_png(render_preview(patient.volume, organs, {}));
  };
  const DecodedPng plain = draw({{&mask, {}, kRed}});
  const std::vector<PreviewOrgan> organs = {
      {&mask, {}, kRed, "Iv"}, {&empty, {}, kGreen, "absent"}, {nullptr, {}, kGreen, "absent, too"}};
  const DecodedPng named = draw(organs);
  REQUIRE((named.width == plain.width && named.height > plain.height));
  CHECK(std::equal(plain.rgb.begin(), plain.rgb.end(), named.rgb.begin()));  // the slices are as they were
  // The swatch, and beside it an I and a v, every pixel of the font two wide and high.
  const auto at = [&](int x, int y) { return named.at(2 * (6 + x), plain.height + 2 * (6 + y)); };
  std::size_t swatch = 0;
  for (std::int64_t y = plain.height; y < named.height; ++y) {
    for (std::int64_t x = 0; x < named.width; ++x) {
      swatch += named.at(x, y) == kRed;
      CHECK(named.at(x, y) != kGreen);
    }
  }
  CHECK(swatch == 14 * 14);
  CHECK(at(0, 0) == kRed);
  CHECK(at(6, 6) == kRed);
  CHECK(at(7, 0) == kBackground);
  const std::vector<std::string> letters = {".###.......", "..#........", "..#...#...#", "..#...#...#",
                                            "..#...#...#", "..#....#.#.", ".###....#.."};
  for (int y = 0; y < 7; ++y) {
    for (int x = 0; x < 11; ++x) {
      const bool set = letters[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] == '#';
      INFO(x, " ", y);
      CHECK((at(11 + x, y) != kBackground) == set);
    }
  }
}

TEST_CASE("preview: what cannot be drawn") {
  Stored patient = stored_along("LPS", air);
  const OrganMask other(slice_layout(affine_of("LPS"), {9, 8, 8}));
  const PreviewOrgan organ{&other, {}, kRed};
  check_refused([&] { render_preview(patient.volume, {&organ, 1}, {}); }, "9 slices, the volume 8");
  CHECK(error_of([&] { render_preview(patient.volume, {}, cancelled_task()); }) ==
        "ABORTED The operation was aborted.");
  patient.volume.affine[0] = 0;
  CHECK(error_of([&] { render_preview(patient.volume, {}, {}); }) ==
        doctest::Contains("BAD_VOLUME The affine is singular"));
}
