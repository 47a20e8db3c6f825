#include "phantom/scan.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/error.hpp"
#include "phantom/outline.hpp"
#include "phantom/random.hpp"

namespace medlsam::phantom {
namespace {

constexpr double kMinSpacing = 0.5, kMaxSpacing = 10;
constexpr double kMaxVoxels = 1 << 29;
constexpr std::string_view kLetters =
    "LRPASI";  // by axis of the patient's order (x, y, z): forward, backward

// Canonical z of a scan's ends, and the width of its field of view, mm.
struct Extent {
  float bottom, top, width;
};

Extent draw_extent(Region region, const Subject& subject, Draw& draw) {
  const float body = 2 * subject.scale.x * (155 + 18 * subject.fat);
  const float wide = std::clamp(body * draw.uniform(0.98F, 1.35F), 300.F, 500.F);
  switch (region) {
    case Region::kAbdomen:
      return {draw.uniform(-20, 160), draw.uniform(455, 530), wide};
    case Region::kThorax:
      return {draw.uniform(310, 400), draw.uniform(640, 700), wide};
    case Region::kHead:
      return {draw.uniform(560, 690), draw.uniform(908, 935),
              draw.chance(0.5F) ? draw.uniform(230, 300) : draw.uniform(300, 500)};
    case Region::kTrunk:
      return {draw.uniform(-45, 40), draw.uniform(630, 720), wide};
    case Region::kWhole:
      return {draw.uniform(-60, 0), draw.uniform(910, 940), std::max(wide, 400.F)};
  }
  return {};
}

// Ends anywhere within the extent, as scans of one question do, and a width that may cut the body.
Extent cut_extent(Extent extent, Draw& draw) {
  const float height = extent.top - extent.bottom;
  const float share = draw.chance(0.65F) ? draw.uniform(std::min(1.F, 110 / height), 1) : 1;
  const float start = draw.uniform(0, 1 - share);
  const float width =
      extent.width * (draw.chance(0.4F) ? draw.uniform(0.68F, 0.95F) : draw.uniform(0.95F, 1.2F));
  const float bottom = extent.bottom + start * height;
  return {bottom, bottom + share * height, std::clamp(width, 200.F, 550.F)};
}

// Differences between scanners besides noise.
void vary_scanner(Scan& scan, std::uint32_t seed) {
  Draw draw(seed, Stream::kScanner);
  constexpr float kPadding[] = {-1024, -1000, -2000, -2048, -3024};
  scan.circle = draw.chance(0.6F);
  scan.padding = kPadding[draw.pick({0.62F, 0.1F, 0.1F, 0.1F, 0.08F})];
  scan.floor = draw.chance(0.2F) ? -1000.F : -1024.F;
  scan.surroundings = draw_surroundings(draw);
}

// Finer in the plane than between slices, as in clinical scans.
std::array<double, 3> draw_spacing(float width, Draw& draw) {
  const float plane = draw.chance(0.4F) ? std::max(0.7F, width / 512) : std::exp(draw.uniform(-0.1F, 1));
  constexpr float kSlices[] = {1, 1.25F, 1.5F, 2, 2.5F, 3, 4, 5};
  const float slice = std::max(kSlices[draw.pick({1, 1, 1, 2, 2, 3, 1, 3})], plane);
  return {slice, plane, plane};
}

std::string draw_axes(Draw& draw) {
  constexpr const char* kUsual[] = {"LPS", "LAS", "RAS"};
  const int usual = draw.pick({0.35F, 0.25F, 0.2F, 0.2F});
  if (usual < 3) return kUsual[usual];
  std::string axes = "LPS";
  for (int i = 2; i > 0; --i) std::swap(axes[i], axes[draw.bits() % static_cast<unsigned>(i + 1)]);
  for (char& axis : axes) {
    if (draw.chance(0.5F)) axis = kLetters[kLetters.find(axis) ^ 1];
  }
  return axes;
}

void check_axes(const std::string& axes) {
  bool seen[3] = {};
  for (const char letter : axes) {
    const auto at = kLetters.find(letter);
    if (at != std::string_view::npos) seen[at / 2] = true;
  }
  if (axes.size() != 3 || !seen[0] || !seen[1] || !seen[2]) {
    throw Error(ErrorCode::kBadArgument,
                "\"" + axes +
                    "\" is not an axis order: give one letter of each pair R L, A P, "
                    "S I, such as LPS.");
  }
}

void check_spacing(const std::array<double, 3>& spacing) {
  for (const double mm : spacing) {
    if (!(mm >= kMinSpacing && mm <= kMaxSpacing)) {
      throw Error(ErrorCode::kBadArgument,
                  "A spacing of " + std::to_string(mm) + " mm: give from 0.5 to 10 mm.");
    }
  }
}

void check_size(const Index3& shape) {
  double voxels = 1;
  for (const auto extent : shape) voxels *= static_cast<double>(extent);
  if (voxels <= kMaxVoxels) return;
  throw Error(ErrorCode::kBadArgument, "A scan of " + std::to_string(shape[0]) + " × " +
                                           std::to_string(shape[1]) + " × " + std::to_string(shape[2]) +
                                           " voxels is too large: give a coarser spacing.");
}

// y of the table's top: behind the whole body between these heights.
float table_top(const Subject& subject, float bottom, float top) {
  const Outline skin = make_outlines(subject).skin;
  float back = 0;
  for (float z = bottom; z <= top; z += 10) {
    const Section cut = skin.at(z);
    back = std::max(back, cut.center + cut.back);
  }
  return (back + 2) * subject.scale.y;
}

}  // namespace

Scan plan_scan(const Subject& subject, const ScanOptions& options) {
  Draw draw(subject.seed, Stream::kScan);
  Scan scan;
  // All random numbers are drawn whatever the options are, so that an option changes only what it names.
  const int drawn_region = draw.pick({0.15F, 0.25F, 0.25F, 0.2F, 0.15F});
  scan.region = options.region.value_or(static_cast<Region>(drawn_region));
  const std::string drawn_axes = draw_axes(draw);
  scan.axes = options.axes.empty() ? drawn_axes : options.axes;
  check_axes(scan.axes);
  scan.table = draw.chance(0.9F);
  scan.circle = draw.chance(0.25F);
  scan.noise = std::exp(draw.uniform(1.4F, 3.2F));
  scan.smoothing = draw.uniform(0.2F, 1);
  scan.intercept = draw.chance(0.5F) ? 0.F : -1024.F;
  const double off_center[2] = {draw.normal(0, 7), draw.normal(0, 7)};  // (y, x)
  const double isocenter[3] = {draw.uniform(-1400, 400), draw.normal(0, 60), draw.normal(0, 8)};

  Draw extent_draw(subject.seed + 1 + static_cast<std::uint32_t>(scan.region), Stream::kScan);
  Extent extent = draw_extent(scan.region, subject, extent_draw);
  const auto drawn_spacing = draw_spacing(extent.width, extent_draw);
  scan.spacing = options.spacing.value_or(drawn_spacing);
  check_spacing(scan.spacing);
  float rows = 1, aside[2] = {};  // share of the width that is kept front–back; mm off the center
  if (options.realism.pose) {
    Draw pose(subject.seed + 2, Stream::kPose);
    extent = cut_extent(extent, pose);
    if (pose.chance(0.25F)) rows = pose.uniform(0.68F, 1);
    for (float& mm : aside) mm = pose.normal(0, 16);
  }
  if (options.realism.scanner) vary_scanner(scan, subject.seed);
  scan.table_y = table_top(subject, extent.bottom, extent.top);

  const double bottom = extent.bottom * subject.scale.z,
               height = (extent.top - extent.bottom) * subject.scale.z;
  const double lengths[3] = {height, rows * extent.width, extent.width};
  for (int a = 0; a < 3; ++a)
    scan.shape[a] = std::max<std::int64_t>(1, std::llround(lengths[a] / scan.spacing[a]));
  check_size(scan.shape);
  scan.first[0] = bottom;
  for (int a = 1; a < 3; ++a) {
    scan.first[a] =
        off_center[a - 1] + aside[a - 1] - scan.spacing[a] * static_cast<double>(scan.shape[a] - 1) / 2;
  }
  // The body's middle lies a little behind the middle of the field of view.
  scan.first[1] += scan.region == Region::kHead ? 5 : 8;
  for (int a = 0; a < 3; ++a) scan.shift[a] = isocenter[a];
  return scan;
}

StoredOrder stored_order(const Scan& scan) {
  StoredOrder order;
  std::int64_t stride = 1;
  // RAS mm of stored voxel 0. The patient's order runs to L, P and S; the first two are opposite to RAS.
  std::array<double, 3> corner{};  // (x, y, z) in LPS
  for (int a = 0; a < 3; ++a) corner[a] = scan.first[2 - a] + scan.shift[2 - a];
  for (int stored = 0; stored < 3; ++stored) {  // x, y, z of the file
    const auto letter = kLetters.find(scan.axes[stored]);
    const int axis = static_cast<int>(letter / 2);  // x, y, z of the patient
    const bool flipped = letter % 2 == 1;
    const std::int64_t extent = scan.shape[2 - axis];
    const double mm = scan.spacing[2 - axis];
    order.shape[2 - stored] = extent;
    order.stride[2 - axis] = flipped ? -stride : stride;
    if (flipped) {
      order.offset += stride * (extent - 1);
      corner[axis] += mm * static_cast<double>(extent - 1);
    }
    order.affine[4 * axis + stored] = (flipped ? -mm : mm) * (axis < 2 ? -1 : 1);
    stride *= extent;
  }
  for (int axis = 0; axis < 3; ++axis) order.affine[4 * axis + 3] = axis < 2 ? -corner[axis] : corner[axis];
  order.affine[15] = 1;
  return order;
}

}  // namespace medlsam::phantom
