#include "phantom/tissues.hpp"

#include <algorithm>
#include <cmath>

namespace medlsam::phantom {
namespace {

constexpr float kSkin = 2;          // mm
constexpr float kFasciaDepth = 10;  // depth of the fat between two layers of muscle, mm

// The share of a voxel within a surface.
float within(float distance, float inverse_edge) {
  return std::min(std::max(0.5F - distance * inverse_edge, 0.F), 1.F);
}

// HU of muscle, with strands of fat and a plane of fat between its layers.
float muscle_hu(const Filling& filling, float depth, float wobble, float mottling) {
  const float plane = std::max(0.F, 1 - std::fabs(depth - kFasciaDepth - 3 * wobble) * 0.8F);
  const float strand = std::min(std::max(0.F, mottling - filling.strands_from) * 2.2F, 1.F);
  const float fat = std::min(1.F, filling.planes * plane + strand * filling.strands);
  return filling.muscle + filling.muscle_texture * mottling + fat * (filling.fat - filling.muscle);
}

}  // namespace

void fill_tissues(const Filling& filling, const Lane& muscle, float edge, TissueRow& row) {
  const float inverse = 1 / edge;
  for (int i = 0; i < row.points.count; ++i) {
    const float skin = row.skin.at[i], wobble = row.wobble.at[i], mottling = row.mottling.at[i];
    // At least skin and a little fat, whatever the outlines are.
    const float muscle_distance = std::max(muscle.at[i], skin + 3);
    float hu = row.hu.at[i];
    hu += within(skin, inverse) * (15 - hu);
    hu += within(skin + kSkin, inverse) * (filling.fat + 6 * mottling + 4 * wobble - hu);
    hu += within(muscle_distance, inverse) * (muscle_hu(filling, -muscle_distance, wobble, mottling) - hu);
    const float cavity = row.cavity.at[i], above = row.diaphragm.at[i];
    const float vessels = row.vessels.at[i];
    float inner_fat = filling.fat - 4 + 9 * mottling + 6 * wobble;
    inner_fat += vessels * (kBlood - inner_fat);
    hu += within(cavity, inverse) * (inner_fat - hu);
    const float lung = std::max({cavity + 1.5F, 0.8F * (1.5F - above), 3 - std::fabs(row.points.x.at[i])});
    // Blood pools at the back.
    const float weight = std::min(std::max(0.45F * row.points.y.at[i], -35.F), 45.F);
    float lung_hu = filling.lung + weight + 28 * mottling + 15 * wobble;
    lung_hu += vessels * (kBlood - lung_hu);
    hu += within(lung, inverse) * (lung_hu - hu);
    row.hu.at[i] = hu;
    row.labels[i] = lung < 0 ? (row.points.x.at[i] > 0 ? kLungLeft : kLungRight) : kBackground;
  }
}

void paint_shape(const Paint& paint, float edge, Lane& distance, TissueRow& row) {
  const int count = row.points.count;
  float nearest = edge;
  for (int i = 0; i < count; ++i) {
    float d = distance.at[i] + paint.wobble * row.wobble.at[i] + paint.rough * row.mottling.at[i];
    if (paint.in_cavity) d = std::max(d, row.cavity.at[i] + 2.5F);
    if (paint.under_diaphragm) d = std::max(d, 0.8F * (row.diaphragm.at[i] + 1.5F));
    d = std::max(d, row.skin.at[i] + 2);
    distance.at[i] = d;
    nearest = std::min(nearest, d);
  }
  if (nearest > 0.5F * edge) return;
  const float inverse = 1 / edge;
  for (int i = 0; i < count; ++i) {
    const float d = distance.at[i], mottling = row.mottling.at[i];
    const float gas = within(row.points.y.at[i] - paint.gas_before, inverse);
    const float core = paint.hu + paint.texture * mottling +
                       gas * (-960 - paint.hu - paint.texture * mottling) + paint.veins * row.vessels.at[i];
    const float shell = paint.shell_hu + 0.15F * paint.texture * mottling;
    const float deep = paint.shell > 0 ? within(d + paint.shell, inverse) : 1;
    const float hu = shell + deep * (core - shell);
    row.hu.at[i] += within(d, inverse) * (hu - row.hu.at[i]);
  }
  if (paint.label == kKeepLabel) return;
  for (int i = 0; i < count; ++i) {
    if (distance.at[i] < 0) row.labels[i] = paint.label;
  }
}

}  // namespace medlsam::phantom
