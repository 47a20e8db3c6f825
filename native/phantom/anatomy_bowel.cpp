#include <array>

#include "phantom/anatomy.hpp"

namespace medlsam::phantom {
namespace {

// A loop of small bowel that winds through the middle of the abdomen, from upper left to lower right.
void add_loop(Anatomy& body, Draw& draw, int index, int count) {
  const float t = (static_cast<float>(index) + 0.5F) / static_cast<float>(count);
  const float front = -30 - 0.8F * body.subject.belly;
  const Vec center{45 - 75 * t + draw.normal(0, 32), front + draw.normal(0, 24),
                   318 - 185 * t + draw.normal(0, 18)};
  std::vector<Vec> line = {center};
  Vec heading{draw.normal(0, 1), draw.normal(0, 0.7F), draw.normal(0, 0.6F)};
  for (int i = 0; i < 5; ++i) {
    const Vec turn{draw.normal(0, 0.9F), draw.normal(0, 0.7F), draw.normal(0, 0.7F)};
    heading = heading + turn;
    heading = (1 / std::max(length(heading), 0.1F)) * heading;
    line.push_back(line.back() + 19 * heading);
  }
  const float radius = draw.uniform(8, 13);
  const float contents[] = {15, -5, 240};
  body.scene.shape({.hu = contents[draw.pick({0.6F, 0.25F, 0.15F})],
                    .texture = draw.uniform(5, 40),
                    .shell = 2.5F,
                    .shell_hu = body.subject.enhancement.mucosa,
                    .gas_before = draw.chance(0.25F) ? center.y - 0.3F * radius : kNoGas,
                    .wobble = 3,
                    .rough = 1.2F,
                    .in_cavity = true});
  body.scene.tube(line, std::array{radius, radius}, 2);
}

// Haustra: the colon widens and narrows every few centimeters.
void add_colon_part(Anatomy& body, Draw& draw, std::span<const Vec> line, float radius) {
  std::vector<float> radii;
  for (std::size_t i = 0; i < 4 * line.size(); ++i) radii.push_back(radius * (i % 2 == 0 ? 1.12F : 0.84F));
  const bool stool = draw.chance(0.6F);
  const float gas = line[line.size() / 2].y + draw.uniform(-0.7F, 0.5F) * radius;
  body.scene.shape({.hu = stool ? -40.F : 15.F,
                    .texture = stool ? 170.F : 10.F,
                    .shell = 2.5F,
                    .shell_hu = body.subject.enhancement.mucosa - 5,
                    .gas_before = draw.chance(0.7F) ? gas : kNoGas,
                    .wobble = 4,
                    .rough = 1.5F,
                    .in_cavity = true,
                    .under_diaphragm = true});
  body.scene.tube(line, radii, 4);
}

void add_colon(Anatomy& body, Draw& draw) {
  const float front = -62 - 0.8F * body.subject.belly, sag = draw.uniform(0, 45);
  const float out = 92 + 0.35F * body.subject.belly;
  const auto jitter = [&](Vec at) {
    return at + Vec{draw.normal(0, 4), draw.normal(0, 4), draw.normal(0, 5)};
  };
  const Vec ascending[] = {jitter({-out + 18, -28, 190}), jitter({-out + 4, -18, 230}),
                           jitter({-out, 4, 280}), jitter({-out + 8, 10, 322})};
  const Vec transverse[] = {jitter({-out + 10, 2, 330}),   jitter({-60, front + 22, 318 - 0.5F * sag}),
                            jitter({0, front, 312 - sag}), jitter({58, front + 8, 330 - 0.5F * sag}),
                            jitter({out - 6, 2, 372}),     jitter({out, 30, 390})};
  const Vec descending[] = {jitter({out + 2, 34, 385}), jitter({out, 34, 330}), jitter({out - 4, 28, 270}),
                            jitter({out - 14, -4, 220}), jitter({76, -24, 182})};
  const Vec sigmoid[] = {jitter({76, -24, 182}), jitter({50, -30, 160}), jitter({16, -10, 175}),
                         jitter({-12, 18, 170}), jitter({4, 50, 160})};
  add_colon_part(body, draw, descending, draw.uniform(13, 18));
  add_colon_part(body, draw, sigmoid, draw.uniform(11, 16));
  add_colon_part(body, draw, transverse, draw.uniform(15, 20));
  add_colon_part(body, draw, ascending, draw.uniform(19, 26));
}

}  // namespace

void add_bowel(Anatomy& body) {
  Draw draw(body.subject.seed, Stream::kBowel);
  const float vein = 0.7F * body.subject.enhancement.vein;
  // Vessels that fan out through the fat of the mesentery.
  for (int i = 0; i < 14; ++i) {
    body.scene.shape(vessel(vein));
    const Vec end{draw.uniform(-70, 80), draw.uniform(-70, -20), draw.uniform(170, 330)};
    const Vec root{-6, -30, draw.uniform(270, 330)};
    body.scene.tube({root, lerp(root, end, 0.5F) + Vec{0, 8, 0}, end}, {2.5F, 1.2F});
  }
  constexpr int kLoops = 30;
  for (int i = 0; i < kLoops; ++i) add_loop(body, draw, i, kLoops);
  add_colon(body, draw);
}

}  // namespace medlsam::phantom
