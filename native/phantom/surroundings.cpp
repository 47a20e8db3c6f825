#include "phantom/surroundings.hpp"

#include <algorithm>
#include <cmath>

#include "phantom/anatomy.hpp"

namespace medlsam::phantom {
namespace {

constexpr float kHalfWidth = 230;  // mm, of couches

float share(float distance, float edge) {
  return std::clamp(0.5F - distance / edge, 0.F, 1.F);
}

// How far a point lies behind the couch's upper surface, mm.
float below(const Surroundings& around, float y, float x) {
  const float behind = y - around.gap;
  switch (around.couch) {
    case Couch::kCradle:
      return behind + x * x / 1500;
    case Couch::kWedge:
      return behind + 0.3F * std::max(0.F, std::fabs(x) - 90);
    default:
      return behind;
  }
}

float couch_hu(const Surroundings& around, float y, float x, float edge) {
  if (around.couch == Couch::kNone || std::fabs(x) > kHalfWidth) return kAir;
  const float depth = below(around, y, x);
  if (depth > -around.mattress && depth <= 0) return around.foam - 25;
  const float belly = around.couch == Couch::kWedge ? 0.F : x * x / 1800;
  const float under = around.thickness - belly;
  const float surface = std::min(std::fabs(depth), std::fabs(depth - under));
  const bool core = depth > 0 && depth < under;
  float hu = core ? around.foam : kAir;
  hu += share(surface - 1.3F, edge) * (around.shell - hu);
  if (around.rail > 0) {
    const float dx = std::fabs(x) - around.rail, dy = depth - under / 2;
    hu += share(std::sqrt(dx * dx + dy * dy) - 5, edge) * (900 - hu);
  }
  return hu;
}

}  // namespace

Surroundings draw_surroundings(Draw& draw) {
  Surroundings around;
  around.couch = static_cast<Couch>(draw.pick({0.08F, 0.42F, 0.3F, 0.2F}));
  around.gap = draw.uniform(-4, 12);
  around.thickness = draw.uniform(14, 60);
  around.foam = draw.uniform(-985, -890);
  around.shell = draw.uniform(-600, 50);
  around.mattress = draw.chance(0.4F) ? draw.uniform(5, 25) : 0;
  around.rail = draw.chance(0.2F) ? draw.uniform(150, 225) : 0;
  around.layers = draw.pick({0.3F, 0.4F, 0.3F});
  around.cloth = draw.uniform(-930, -500);
  around.loose = draw.uniform(3, 28);
  around.mask = draw.chance(0.3F) ? draw.uniform(1.5F, 3.5F) : 0;
  around.mask_from = draw.uniform(600, 700);
  return around;
}

void paint_surroundings(const Surroundings& around, float y, float x, float step, float edge,
                        TissueRow& row) {
  for (int i = 0; i < row.points.count; ++i) {
    float hu = couch_hu(around, y, x + step * static_cast<float>(i), edge);
    const float skin = row.skin.at[i], fold = row.wobble.at[i];
    for (int layer = 0; layer < around.layers; ++layer) {
      // Cloth lies close here and is folded away there.
      const float off = 1.5F + static_cast<float>(layer) * 4 + around.loose * std::max(0.F, fold + 0.2F);
      hu += share(std::fabs(skin - off) - 0.5F, edge) * (around.cloth - hu);
    }
    if (around.mask > 0 && row.points.z.at[i] > around.mask_from && row.points.y.at[i] < 10) {
      hu += share(std::fabs(skin - 1 - around.mask / 2) - around.mask / 2, edge) * (-150 - hu);
    }
    row.hu.at[i] = hu;
  }
}

}  // namespace medlsam::phantom
