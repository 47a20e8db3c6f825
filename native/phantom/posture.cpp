#include "phantom/posture.hpp"

namespace medlsam::phantom {
namespace {

constexpr Vec kPelvis{0, 20, 200};                        // the body tilts about this point
constexpr Vec kNeck{0, 15, 715};                          // the head about this one
constexpr float kCoarse = 115, kFine = 48, kWobble = 42;  // wavelengths of the deformation, mm

float fade(float t) {
  return t * t * t * (t * (6 * t - 15) + 10);
}

float corner(std::uint32_t key, int x, int y, int z, std::uint32_t channel) {
  const auto part = [](int value) { return static_cast<std::uint32_t>(value); };
  return 2 * unit(lowbias32(key +
                            lowbias32(part(x) + lowbias32(part(y) + lowbias32(4 * part(z) + channel))))) -
         1;
}

}  // namespace

Vec smooth_noise(std::uint32_t key, Vec point, float wavelength) {
  const Vec place = (1 / wavelength) * point;
  const float fx = std::floor(place.x), fy = std::floor(place.y), fz = std::floor(place.z);
  const float tx = fade(place.x - fx), ty = fade(place.y - fy), tz = fade(place.z - fz);
  const int x = static_cast<int>(fx), y = static_cast<int>(fy), z = static_cast<int>(fz);
  Vec sum;
  for (int i = 0; i < 8; ++i) {
    const int dx = i & 1, dy = i >> 1 & 1, dz = i >> 2;
    const float weight = (dx ? tx : 1 - tx) * (dy ? ty : 1 - ty) * (dz ? tz : 1 - tz);
    const auto at = [&](std::uint32_t channel) { return corner(key, x + dx, y + dy, z + dz, channel); };
    sum = sum + weight * Vec{at(0), at(1), at(2)};
  }
  return sum;
}

Posture::Posture(const Subject& subject, bool free)
    : scale_(subject.scale), key_(stream_key(subject.seed, Stream::kDeformation)) {
  Draw draw(subject.seed, Stream::kPosture);
  tilt_ = rotation(draw.normal(0, 2), draw.normal(0, 1.8F), draw.normal(0, 4));
  head_ = rotation(draw.normal(0, 6), draw.normal(0, 3.5F), draw.normal(0, 8));
  scoliosis_ = draw.normal(0, 3.5F);
  scoliosis_phase_ = draw.uniform(0, 6.28F);
  kyphosis_ = draw.normal(0, 4);
  side_bend_ = draw.normal(0, 2.5e-5F);
  coarse_ = draw.uniform(6, 13);
  fine_ = draw.uniform(1.5F, 3.2F);
  if (!free) return;
  Draw free_draw(subject.seed + 1, Stream::kPose);
  tilt_ = rotation(free_draw.normal(0, 3), free_draw.normal(0, 2.5F), free_draw.normal(0, 7));
  head_ = rotation(free_draw.normal(0, 11), free_draw.normal(0, 6), free_draw.normal(0, 14));
  scoliosis_ *= 1.6F;
  side_bend_ *= 1.5F;
  coarse_ = free_draw.uniform(7, 17);
  fine_ = free_draw.uniform(1.5F, 4.2F);
}

Posture::Place Posture::canonical(Vec scanned) const {
  Vec p{scanned.x / scale_.x, scanned.y / scale_.y, scanned.z / scale_.z};
  p = kPelvis + tilt_(p - kPelvis);
  const float up = p.z - kPelvis.z;
  p.x += scoliosis_ * std::sin(p.z * 0.0131F + scoliosis_phase_) + side_bend_ * up * up;
  p.y += kyphosis_ * std::sin(p.z * 0.0085F);
  // The head turns as a whole and takes the neck with it.
  const float share = smooth_step(650, 745, p.z);
  if (share > 0) p = lerp(p, kNeck + head_(p - kNeck), share);
  const Vec coarse = smooth_noise(key_, p, kCoarse), fine = smooth_noise(key_ + 1, p, kFine);
  const float stiff = 1 - 0.65F * smooth_step(680, 760, p.z);  // skulls hardly bend
  p = p + (stiff * coarse_) * coarse + (stiff * fine_) * fine;
  return {p, smooth_noise(key_ + 2, p, kWobble).x};
}

}  // namespace medlsam::phantom
