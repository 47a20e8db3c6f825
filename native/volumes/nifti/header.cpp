#include "volumes/nifti/header.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "base/error.hpp"

namespace medlsam {

using enum DType;
using std::string_view_literals::operator""sv;

const HeaderLayout kNifti1{.size = 348,
                           .magic_offset = 344,
                           .magic = "n+1\0"sv,
                           .pair_magic = "ni1\0"sv,
                           .dim = {40, kI16},
                           .datatype = {70, kI16},
                           .bitpix = {72, kI16},
                           .pixdim = {76, kF32},
                           .vox_offset = {108, kF32},
                           .scl_slope = {112, kF32},
                           .scl_inter = {116, kF32},
                           .xyzt_units = {123, kU8},
                           .qform_code = {252, kI16},
                           .sform_code = {254, kI16},
                           .quatern = {256, kF32},
                           .srow = {280, kF32},
                           .descrip_offset = 148};

const HeaderLayout kNifti2{.size = 540,
                           .magic_offset = 4,
                           .magic = "n+2\0\r\n\x1a\n"sv,
                           .pair_magic = "ni2\0\r\n\x1a\n"sv,
                           .dim = {16, kI64},
                           .datatype = {12, kI16},
                           .bitpix = {14, kI16},
                           .pixdim = {104, kF64},
                           .vox_offset = {168, kI64},
                           .scl_slope = {176, kF64},
                           .scl_inter = {184, kF64},
                           .xyzt_units = {500, kI32},
                           .qform_code = {344, kI32},
                           .sform_code = {348, kI32},
                           .quatern = {352, kF64},
                           .srow = {400, kF64},
                           .descrip_offset = 240};

namespace {

constexpr double kMaxVoxels = 0x1p33;

struct Datatype {
  int number;
  DType dtype;
};
constexpr Datatype kDatatypes[] = {{2, kU8},   {4, kI16},   {8, kI32},   {16, kF32},   {64, kF64},
                                   {256, kI8}, {512, kU16}, {768, kU32}, {1024, kI64}, {1280, kU64}};

// Calls use(T{}) with the C++ type of a header field.
template <class Use>
auto with_field_type(DType type, Use&& use) {
  switch (type) {
    case kF32:
      return use(float{});
    case kF64:
      return use(double{});
    case kI64:
      return use(std::int64_t{});
    case kI32:
      return use(std::int32_t{});
    case kI16:
      return use(std::int16_t{});
    default:
      return use(std::uint8_t{});
  }
}

template <class T>
std::array<std::byte, sizeof(T)> load(std::span<const std::byte> bytes, std::size_t offset, bool swapped) {
  std::array<std::byte, sizeof(T)> raw;
  std::ranges::copy(bytes.subspan(offset, sizeof(T)), raw.begin());
  if (swapped) std::ranges::reverse(raw);
  return raw;
}

std::string text(double number) {
  std::string digits = std::to_string(number);
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kBadVolume, message);
}

// mm along (x, y, z).
std::array<double, 3> header_spacing(const NiftiHeader& header) {
  std::array<double, 3> steps;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    steps[axis] = header.get(header.layout.pixdim, axis + 1);
    if (!(std::isfinite(steps[axis]) && steps[axis] > 0)) {
      fail("pixdim[" + std::to_string(axis + 1) + "] (the spacing in mm) is " + text(steps[axis]) +
           ", but must be positive; correct the header");
    }
  }
  return steps;
}

// The affine of quaternion, offsets, spacings and qfac. In long double and this order, as nibabel computes
// it.
Affine quaternion_affine(const NiftiHeader& header, const std::array<double, 3>& steps) {
  using Real = long double;
  const HeaderLayout& at = header.layout;
  const Real x = header.get(at.quatern, 0), y = header.get(at.quatern, 1), z = header.get(at.quatern, 2);
  const Real w2 = 1 - (x * x + y * y + z * z);
  // Quaternions that were rounded to float may be a little longer than 1: then the first component is 0.
  const Real rounding = 3 * std::numeric_limits<float>::epsilon();
  const Real zero = at.quatern.type == kF32 ? rounding : 3 * std::numeric_limits<double>::epsilon();
  if (!(w2 > -rounding)) {
    fail("quatern_b, quatern_c, quatern_d are not part of a unit quaternion; write the qform again");
  }
  const Real w = w2 < zero ? 0 : std::sqrt(w2);
  const Real s = 2 / (w * w + x * x + y * y + z * z);
  const Real wx = w * (x * s), wy = w * (y * s), wz = w * (z * s);
  const Real xx = x * (x * s), xy = x * (y * s), xz = x * (z * s);
  const Real yy = y * (y * s), yz = y * (z * s), zz = z * (z * s);
  const Real rotation[3][3] = {{1 - (yy + zz), xy - wz, xz + wy},
                               {xy + wz, 1 - (xx + zz), yz - wx},
                               {xz - wy, yz + wx, 1 - (xx + yy)}};
  const double qfac = header.get(at.pixdim, 0) == -1 ? -1 : 1;
  Affine affine{};
  for (std::size_t row = 0; row < 3; ++row) {
    affine[row * 4] = static_cast<double>(rotation[row][0] * steps[0]);
    affine[row * 4 + 1] = static_cast<double>(rotation[row][1] * steps[1]);
    affine[row * 4 + 2] = static_cast<double>(rotation[row][2] * (qfac * steps[2]));
    affine[row * 4 + 3] = header.get(at.quatern, 3 + row);
  }
  return affine;
}

Affine pixdim_affine(const Index3& shape, const std::array<double, 3>& steps) {
  Affine affine{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double step = axis == 0 ? -steps[axis] : steps[axis];
    affine[axis * 5] = step;
    affine[axis * 4 + 3] = -(static_cast<double>(shape[2 - axis] - 1) / 2 * step);
  }
  return affine;
}

bool is_regular(const Affine& a) {
  for (double value : a) {
    if (!std::isfinite(value)) return false;
  }
  const double determinant = a[0] * (a[5] * a[10] - a[6] * a[9]) - a[1] * (a[4] * a[10] - a[6] * a[8]) +
                             a[2] * (a[4] * a[9] - a[5] * a[8]);
  const auto [z, y, x] = spacing(a);
  return std::abs(determinant) > 1e-6 * x * y * z;  // false, too, where anything overflows
}

}  // namespace

double NiftiHeader::get(const HeaderField& field, std::size_t element) const {
  return with_field_type(field.type, [&]<class T>(T) {
    const auto raw = load<T>(bytes, field.offset + element * sizeof(T), swapped);
    return static_cast<double>(std::bit_cast<T>(raw));
  });
}

void set_field(std::span<std::byte> header, const HeaderField& field, std::size_t element, double value) {
  with_field_type(field.type, [&]<class T>(T) {
    const auto raw = std::bit_cast<std::array<std::byte, sizeof(T)>>(static_cast<T>(value));
    std::ranges::copy(raw, header.subspan(field.offset + element * sizeof(T), sizeof(T)).begin());
  });
}

void copy_field(const NiftiHeader& from, const HeaderField& field, std::size_t count,
                std::span<std::byte> to) {
  with_field_type(field.type, [&]<class T>(T) {
    for (std::size_t offset = field.offset; offset < field.offset + count * sizeof(T); offset += sizeof(T)) {
      std::ranges::copy(load<T>(from.bytes, offset, from.swapped), to.subspan(offset, sizeof(T)).begin());
    }
  });
}

std::optional<HeaderKind> recognize_header(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(std::int32_t)) return std::nullopt;
  for (const bool swapped : {false, true}) {
    const auto size = std::bit_cast<std::int32_t>(load<std::int32_t>(bytes, 0, swapped));
    if (size == 348) return HeaderKind{kNifti1, swapped};
    if (size == 540) return HeaderKind{kNifti2, swapped};
  }
  return std::nullopt;
}

std::optional<DType> dtype_of_nifti(int datatype) {
  const auto found = std::ranges::find(kDatatypes, datatype, &Datatype::number);
  return found == std::end(kDatatypes) ? std::nullopt : std::optional(found->dtype);
}

std::optional<int> nifti_datatype(DType dtype) {
  const auto found = std::ranges::find(kDatatypes, dtype, &Datatype::dtype);
  return found == std::end(kDatatypes) ? std::nullopt : std::optional(found->number);
}

Index3 header_shape(const NiftiHeader& header) {
  const HeaderField& dim = header.layout.dim;
  const double dimensions = header.get(dim, 0);
  if (!(dimensions >= 1 && dimensions <= 7)) fail("dim[0] is " + text(dimensions) + ", not 1 to 7");
  if (dimensions < 3) fail("it is a " + text(dimensions) + "D image; a 3D volume is needed");
  double voxels = 1, volumes = 1;
  for (std::size_t i = 1; i <= static_cast<std::size_t>(dimensions); ++i) {
    const double length = header.get(dim, i);
    if (!(length >= 1))
      fail("dim[" + std::to_string(i) + "] is " + text(length) + ", but must be at least 1");
    (i <= 3 ? voxels : volumes) *= length;
  }
  if (volumes > 1) {
    fail("it is " + text(dimensions) + "D with " + text(volumes) + " volumes; extract one of them to a file");
  }
  if (voxels > kMaxVoxels) fail("dim[1] to dim[3] make " + text(voxels) + " voxels; at most 2^33 are read");
  const auto length = [&](std::size_t i) { return static_cast<std::int64_t>(header.get(dim, i)); };
  return {length(3), length(2), length(1)};
}

bool has_orientation(const NiftiHeader& header) {
  return header.get(header.layout.sform_code) > 0 || header.get(header.layout.qform_code) > 0;
}

Affine header_affine(const NiftiHeader& header, const Index3& shape) {
  const HeaderLayout& at = header.layout;
  Affine affine{};
  const char* source = "pixdim";
  if (header.get(at.sform_code) > 0) {
    source = "sform (srow_x, srow_y, srow_z)";
    for (std::size_t i = 0; i < 12; ++i) affine[i] = header.get(at.srow, i);
  } else if (header.get(at.qform_code) > 0) {
    source = "qform";
    affine = quaternion_affine(header, header_spacing(header));
  } else {
    affine = pixdim_affine(shape, header_spacing(header));
  }
  affine[15] = 1;
  if (!is_regular(affine)) {
    fail(std::string("the affine given by its ") + source + " is singular or not finite; correct the header");
  }
  return affine;
}

}  // namespace medlsam
