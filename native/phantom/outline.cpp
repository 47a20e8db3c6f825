#include "phantom/outline.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace medlsam::phantom {
namespace {

constexpr float kStep = 4;  // mm between the table's cuts

Section blend(const Section& a, const Section& b, float t) {
  const auto mix = [t](float from, float to) { return from + t * (to - from); };
  return {mix(a.half_width, b.half_width), mix(a.front, b.front),   mix(a.back, b.back),
          mix(a.center, b.center),         mix(a.square, b.square), mix(a.steep, b.steep)};
}

// Catmull-Rom between p1 and p2.
float spline(float p0, float p1, float p2, float p3, float t) {
  return p1 + 0.5F * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)));
}

Section spline(const Section& a, const Section& b, const Section& c, const Section& d, float t) {
  const auto at = [&](float Section::*field) { return spline(a.*field, b.*field, c.*field, d.*field, t); };
  return {std::max(2.F, at(&Section::half_width)),    std::max(2.F, at(&Section::front)),
          std::max(2.F, at(&Section::back)),          at(&Section::center),
          std::clamp(at(&Section::square), 0.F, 1.F), 1};
}

void add(std::vector<Outline::Cut>& cuts, float z, float width, float front, float back, float center,
         float square) {
  cuts.push_back({z, {width, center - front, back - center, center, square, 1}});
}

// 1 between ribs and hips, where abdominal fat moves the wall, 0 elsewhere.
float belly_at(float z) {
  return smooth_step(110, 220, z) * (1 - smooth_step(330, 450, z));
}

std::vector<Outline::Cut> muscle_cuts(const Subject& subject) {
  std::vector<Outline::Cut> cuts;
  const float hips = subject.hips, shoulders = subject.shoulders;
  add(cuts, 10, 140 + hips, -62, 82, 0, 0.3F);
  add(cuts, 55, 160 + hips, -80, 104, 0, 0.3F);
  add(cuts, 100, 166 + hips, -88, 113, 0, 0.35F);
  add(cuts, 150, 160 + hips, -92, 112, 0, 0.4F);
  add(cuts, 200, 149 + 0.6F * hips, -95, 100, 0, 0.45F);
  add(cuts, 240, 140 + 0.3F * hips, -95, 93, 0, 0.45F);
  add(cuts, 285, 133, -97, 91, 0, 0.4F);
  add(cuts, 335, 138, -102, 94, 0, 0.35F);
  add(cuts, 385, 147, -106, 101, 0, 0.3F);
  add(cuts, 435, 153 + 0.2F * shoulders, -109, 106, 0, 0.3F);
  add(cuts, 490, 158 + 0.4F * shoulders, -110, 110, 0, 0.35F);
  add(cuts, 545, 163 + 0.7F * shoulders, -106, 114, 0, 0.4F);
  add(cuts, 585, 176 + shoulders, -94, 114, 0, 0.4F);
  add(cuts, 612, 186 + shoulders, -78, 110, 10, 0.4F);
  add(cuts, 634, 164 + shoulders, -62, 100, 15, 0.3F);
  add(cuts, 650, 104 + 0.5F * shoulders, -55, 92, 15, 0.1F);
  add(cuts, 666, 70, -53, 85, 15, 0.1F);
  add(cuts, 690, 58, -52, 78, 12, 0.1F);
  add(cuts, 716, 57, -52, 75, 8, 0.1F);
  add(cuts, 742, 66, -66, 80, 4, 0.1F);
  add(cuts, 768, 71, -90, 88, 0, 0.15F);
  add(cuts, 800, 75, -98, 94, 0, 0.2F);
  add(cuts, 835, 77, -96, 95, 0, 0.1F);
  add(cuts, 862, 71, -87, 87, 0, 0);
  add(cuts, 882, 57, -70, 70, 0, 0);
  add(cuts, 894, 40, -49, 49, 0, 0);
  add(cuts, 901, 22, -27, 27, 0, 0);
  add(cuts, 904, 6, -7, 7, 0, 0);
  for (auto& [z, section] : cuts) section.front += subject.belly * belly_at(z);
  return cuts;
}

std::vector<Outline::Cut> cavity_cuts(const Subject& subject) {
  std::vector<Outline::Cut> cuts;
  const float hips = 0.5F * subject.hips;
  add(cuts, 62, 40, -52, 66, 5, 0.2F);
  add(cuts, 85, 54, -64, 76, 0, 0.3F);
  add(cuts, 115, 60 + hips, -74, 80, 0, 0.3F);
  add(cuts, 150, 72 + hips, -80, 70, -5, 0.3F);
  add(cuts, 190, 96 + hips, -83, 52, -10, 0.35F);
  add(cuts, 225, 114, -84, 56, -10, 0.4F);
  add(cuts, 280, 117, -86, 64, -10, 0.45F);
  add(cuts, 330, 122, -90, 74, -5, 0.4F);
  add(cuts, 380, 129, -94, 84, 0, 0.35F);
  add(cuts, 430, 134, -96, 92, 0, 0.35F);
  add(cuts, 480, 135, -95, 97, 0, 0.35F);
  add(cuts, 535, 127, -86, 97, 5, 0.3F);
  add(cuts, 580, 111, -71, 91, 10, 0.25F);
  add(cuts, 612, 93, -54, 83, 15, 0.2F);
  add(cuts, 638, 70, -30, 73, 22, 0.1F);
  add(cuts, 655, 47, -8, 62, 27, 0);
  add(cuts, 667, 20, 10, 47, 29, 0);
  add(cuts, 671, 5, 24, 34, 29, 0);
  for (auto& [z, section] : cuts) {
    section.front += subject.belly * belly_at(z);
    section.half_width += 0.35F * subject.belly * belly_at(z);
  }
  return cuts;
}

// The skin's outline: that of the muscles plus the fat over them.
std::vector<Outline::Cut> skin_cuts(const Subject& subject, std::vector<Outline::Cut> cuts) {
  for (auto& [z, section] : cuts) {
    const float trunk = 1 - smooth_step(600, 665, z), low = 1 - smooth_step(180, 330, z);
    const float waist = low * smooth_step(60, 200, z);
    const float scalp = 4, neck = 5;
    const float thin = smooth_step(740, 770, z) * scalp + (1 - smooth_step(740, 770, z)) * neck;
    const auto layer = [&](float chest, float hip) {
      return thin + (subject.fat * (chest + low * (hip - chest)) + 3 - thin) * trunk;
    };
    const float female = subject.female ? 1.F : 0.F;
    section.half_width += layer(13, 20 + 5 * female);
    section.front += layer(12, 19) + 5 * waist * subject.fat;
    section.back += layer(12, 26 + 5 * female) - 6 * waist * subject.fat;
    // Fat rounds the trunk.
    section.square *= 1 - 0.5F * trunk;
  }
  return cuts;
}

}  // namespace

Outline::Outline(const std::vector<Cut>& cuts) : bottom_(cuts.front().z) {
  const std::size_t last = cuts.size() - 1;
  const auto count = static_cast<std::size_t>((cuts[last].z - bottom_) / kStep) + 1;
  for (std::size_t i = 0, span = 0; i <= count; ++i) {
    const float z = std::min(bottom_ + kStep * static_cast<float>(i), cuts[last].z);
    while (span + 1 < last && z > cuts[span + 1].z) ++span;
    const float t = (z - cuts[span].z) / (cuts[span + 1].z - cuts[span].z);
    table_.push_back(spline(cuts[span == 0 ? 0 : span - 1].section, cuts[span].section,
                            cuts[span + 1].section, cuts[std::min(span + 2, last)].section, t));
  }
  for (std::size_t i = 0; i < table_.size(); ++i) {
    const Section &below = table_[i == 0 ? 0 : i - 1], &above = table_[std::min(i + 1, table_.size() - 1)];
    const float change =
        (above.half_width + above.front + above.back - below.half_width - below.front - below.back) /
        (6 * kStep);
    table_[i].steep = 1 / std::sqrt(1 + change * change);
  }
}

Section Outline::at(float z) const {
  const float place = std::clamp((z - bottom_) / kStep, 0.F, static_cast<float>(table_.size() - 1));
  const auto below = std::min(static_cast<std::size_t>(place), table_.size() - 2);
  return blend(table_[below], table_[below + 1], place - static_cast<float>(below));
}

Vec Outline::surface(float z, float degrees, float outward) const {
  const Section cut = at(z);
  const float angle = degrees * 3.14159265F / 180;
  const float x = std::sin(angle), y = -std::cos(angle);
  const float depth = y < 0 ? cut.front : cut.back;
  const float u = x * x / (cut.half_width * cut.half_width), v = y * y / (depth * depth);
  const float inverse =
      (1 - cut.square) * std::sqrt(u + v) + cut.square * std::sqrt(std::sqrt(u * u + v * v));
  const float radius = 1 / inverse + outward;
  return {radius * x, cut.center + radius * y, z};
}

Outlines make_outlines(const Subject& subject) {
  auto muscle = muscle_cuts(subject);
  const float bottom = muscle.front().z, top = muscle.back().z;
  return {Outline(skin_cuts(subject, muscle)), Outline(muscle), Outline(cavity_cuts(subject)), bottom, top};
}

float diaphragm(const Subject& subject, float x, float y) {
  const float left = 0.5F + 0.5F * x / std::sqrt(x * x + 900);  // 0 right … 1 left
  const float outward = (std::fabs(x) - 62) / 75, backward = (y + 10) / 95;
  const float lateral = outward > 0 ? 55 * outward * outward : 18 * outward * outward;
  const float along = backward * backward * (backward > 0 ? 72.F : 42.F);
  return 464 - 12 * left + subject.breath - lateral - along;
}

float spine_y(float z) {
  constexpr float kAt[][2] = {{90, 74},  {130, 84}, {165, 76}, {200, 46}, {222, 28}, {255, 18},
                              {290, 15}, {325, 18}, {360, 25}, {400, 34}, {470, 47}, {540, 52},
                              {600, 44}, {650, 28}, {700, 15}, {740, 10}, {780, 10}};
  constexpr int kLast = static_cast<int>(std::size(kAt)) - 1;
  int span = 0;
  while (span + 1 < kLast && z > kAt[span + 1][0]) ++span;
  const float t = std::clamp((z - kAt[span][0]) / (kAt[span + 1][0] - kAt[span][0]), 0.F, 1.F);
  return spline(kAt[std::max(span - 1, 0)][1], kAt[span][1], kAt[span + 1][1],
                kAt[std::min(span + 2, kLast)][1], t);
}

}  // namespace medlsam::phantom
