// The organs that phantoms label.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace medlsam::phantom {

enum Organ : std::uint8_t {
  kBackground,
  kBrain,
  kEyeLeft,
  kEyeRight,
  kMandible,
  kParotidLeft,
  kParotidRight,
  kSpinalCanal,
  kTrachea,
  kLungLeft,
  kLungRight,
  kHeart,
  kAorta,
  kLiver,
  kGallbladder,
  kSpleen,
  kStomach,
  kPancreas,
  kKidneyLeft,
  kKidneyRight,
  kBladder,
  kFemoralHeadLeft,
  kFemoralHeadRight,
  kOrganEnd,
  kKeepLabel = 255,  // for paint: keeps the label of what it covers
};

// Names by label. Left is the patient's left.
inline constexpr std::array<std::string_view, kOrganEnd> kOrganNames = {
    "background",
    "brain",
    "eye_left",
    "eye_right",
    "mandible",
    "parotid_gland_left",
    "parotid_gland_right",
    "spinal_canal",
    "trachea",
    "lung_left",
    "lung_right",
    "heart",
    "aorta",
    "liver",
    "gallbladder",
    "spleen",
    "stomach",
    "pancreas",
    "kidney_left",
    "kidney_right",
    "urinary_bladder",
    "femoral_head_left",
    "femoral_head_right",
};

// The left one of a pair for side +1, the right one for side -1.
constexpr Organ on_side(Organ left, float side) {
  return side > 0 ? left : static_cast<Organ>(left + 1);
}

}  // namespace medlsam::phantom
