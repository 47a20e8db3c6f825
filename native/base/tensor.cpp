#include "base/tensor.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "base/error.hpp"
#include "base/simd.hpp"

namespace medlsam {
namespace {

static_assert(std::endian::native == std::endian::little,
              "checkpoint bytes are used as they lie in the file");

struct DTypeInfo {
  DType dtype;
  const char* name;
  std::size_t size;
};

constexpr std::array<DTypeInfo, 13> kDTypes = {{{DType::kF64, "F64", 8},
                                                {DType::kF32, "F32", 4},
                                                {DType::kF16, "F16", 2},
                                                {DType::kBF16, "BF16", 2},
                                                {DType::kI64, "I64", 8},
                                                {DType::kI32, "I32", 4},
                                                {DType::kI16, "I16", 2},
                                                {DType::kI8, "I8", 1},
                                                {DType::kU64, "U64", 8},
                                                {DType::kU32, "U32", 4},
                                                {DType::kU16, "U16", 2},
                                                {DType::kU8, "U8", 1},
                                                {DType::kBool, "BOOL", 1}}};

constexpr bool rows_follow_the_enum() {
  for (std::size_t i = 0; i < kDTypes.size(); ++i) {
    if (static_cast<std::size_t>(kDTypes[i].dtype) != i) return false;
  }
  return true;
}
static_assert(rows_follow_the_enum());
static_assert(kDTypes.size() == static_cast<std::size_t>(DType::kBool) + 1);

// The exponent moves into float32's place, and multiplying by 2^112 corrects its bias; this is exact for
// subnormal numbers too. Infinity and NaN come out at 2^16 or above, where no finite half is.
MEDLSAM_INLINE float half_bits_to_float(std::uint16_t bits) {
  const std::uint32_t magnitude = std::uint32_t{bits & 0x7fffu} << 13;
  const float scaled = std::bit_cast<float>(magnitude) * 0x1p112f;
  const std::uint32_t special = scaled >= 0x1p16f ? 0x7f800000u : 0u;
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(scaled) | special | sign);
}

// memcpy: a pickle's storages start at any byte.
template <class Stored>
MEDLSAM_INLINE Stored load(const std::byte* bytes, std::size_t index) {
  Stored value;
  std::memcpy(&value, bytes + index * sizeof(Stored), sizeof(Stored));
  return value;
}

MEDLSAM_INLINE void widen_half(const std::byte* bytes, float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = half_bits_to_float(load<std::uint16_t>(bytes, i));
}

MEDLSAM_INLINE void widen_bfloat(const std::byte* bytes, float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = std::bit_cast<float>(std::uint32_t{load<std::uint16_t>(bytes, i)} << 16);
  }
}

MEDLSAM_INLINE void narrow_double(const std::byte* bytes, float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(load<double>(bytes, i));
}

class HostStorage : public Storage {
 public:
  HostStorage(const std::byte* data, std::shared_ptr<const void> owner)
      : data_(data), owner_(std::move(owner)) {}
  Device device() const override { return {}; }
  const std::byte* host() const override { return data_; }
  void read(std::size_t offset, std::span<std::byte> to) const override {
    std::memcpy(to.data(), data_ + offset, to.size());
  }

 private:
  const std::byte* data_;
  std::shared_ptr<const void> owner_;
};

}  // namespace

std::size_t dtype_size(DType dtype) {
  return kDTypes[static_cast<std::size_t>(dtype)].size;
}

const char* dtype_name(DType dtype) {
  return kDTypes[static_cast<std::size_t>(dtype)].name;
}

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const DTypeInfo& info : kDTypes) {
    if (name == info.name) return info.dtype;
  }
  return std::nullopt;
}

std::size_t shape_elements(std::span<const std::int64_t> shape) {
  std::size_t count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  return count;
}

std::size_t TensorView::elements() const {
  return shape_elements(shape);
}

Tensor::Tensor(DType dtype, Shape shape, std::shared_ptr<const Storage> storage, std::size_t offset)
    : dtype_(dtype), shape_(std::move(shape)), storage_(std::move(storage)), offset_(offset) {}

Tensor Tensor::on_host(const float* values, Shape shape, std::shared_ptr<const void> owner) {
  auto storage =
      std::make_shared<const HostStorage>(reinterpret_cast<const std::byte*>(values), std::move(owner));
  return {DType::kF32, std::move(shape), std::move(storage)};
}

Tensor Tensor::on_host(std::vector<float> values, Shape shape) {
  auto kept = std::make_shared<const std::vector<float>>(std::move(values));
  const float* data = kept->data();
  return on_host(data, std::move(shape), std::move(kept));
}

std::size_t Tensor::elements() const {
  return shape_elements(shape_);
}

const float* Tensor::floats() const {
  if (dtype_ != DType::kF32) {
    throw Error(ErrorCode::kInternal,
                std::string("Elements of type ") + dtype_name(dtype_) + " were read as F32.");
  }
  if (!storage_) return nullptr;
  const std::byte* host = storage_->host();
  if (host == nullptr) {
    throw Error(ErrorCode::kInternal, "A tensor of shape " + shape_text(shape_) + " on " + device().text() +
                                          " was read on the host without being copied there.");
  }
  return reinterpret_cast<const float*>(host + offset_);
}

Tensor Tensor::to_host() const {
  if (!storage_ || storage_->host() != nullptr) return *this;
  const auto bytes = std::make_shared<std::vector<std::byte>>(elements() * dtype_size(dtype_));
  storage_->read(offset_, *bytes);
  if (dtype_ == DType::kF16 || dtype_ == DType::kBF16) {
    std::vector<float> values(elements());
    to_float32({dtype_, shape_, *bytes}, values);
    return on_host(std::move(values), shape_);
  }
  return {dtype_, shape_, std::make_shared<const HostStorage>(bytes->data(), bytes)};
}

Tensor Tensor::slice(std::int64_t begin, std::int64_t end) const {
  if (shape_.empty() || begin < 0 || begin > end || end > shape_[0]) {
    throw Error(ErrorCode::kInternal, "Part " + std::to_string(begin) + " to " + std::to_string(end) +
                                          " of a tensor of shape " + shape_text(shape_) + '.');
  }
  Tensor part = *this;
  part.offset_ +=
      static_cast<std::size_t>(begin) * shape_elements(std::span(shape_).subspan(1)) * dtype_size(dtype_);
  part.shape_[0] = end - begin;
  return part;
}

std::optional<std::size_t> checked_elements(std::span<const std::int64_t> shape) {
  std::int64_t product = 1;
  bool empty = false;
  for (const std::int64_t length : shape) {
    if (length < 0) return std::nullopt;
    if (length == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(product, length, &product)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : static_cast<std::size_t>(product);
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t length : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(length);
  }
  return text + "]";
}

void to_float32(const TensorView& tensor, std::span<float> out) {
  const std::size_t count = tensor.elements();
  if (out.size() != count || tensor.bytes.size() != count * dtype_size(tensor.dtype)) {
    throw Error(ErrorCode::kInternal, "to_float32: the tensor has " + std::to_string(count) +
                                          " elements, the output " + std::to_string(out.size()) + ".");
  }
  if (count == 0) return;
  const std::byte* const bytes = tensor.bytes.data();
  switch (tensor.dtype) {
    case DType::kF32:
      std::memcpy(out.data(), bytes, tensor.bytes.size());
      return;
    case DType::kF16:
      return run_simd<widen_half>(bytes, out.data(), count);
    case DType::kBF16:
      return run_simd<widen_bfloat>(bytes, out.data(), count);
    case DType::kF64:
      return run_simd<narrow_double>(bytes, out.data(), count);
    default:
      throw Error(ErrorCode::kBadCheckpoint, std::string("A tensor of type ") + dtype_name(tensor.dtype) +
                                                 " stands where floating-point weights belong.");
  }
}

float half_to_float(std::uint16_t bits) {
  return half_bits_to_float(bits);
}

std::uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  const auto with_sign = [sign](std::uint32_t half) { return static_cast<std::uint16_t>(sign | half); };

  if (magnitude > 0x7f800000u) return with_sign(0x7e00u | ((magnitude >> 13) & 0x3ffu));  // NaN, made quiet
  if (magnitude >= 0x477ff000u) return with_sign(0x7c00u);  // 65520 and more round to infinity
  if (magnitude < 0x38800000u) {
    // Below 2^-14 halves are multiples of 2^-24, which is the spacing of float32 at 0.5: adding rounds.
    const float rounded = std::bit_cast<float>(magnitude) + 0.5f;
    return with_sign(std::bit_cast<std::uint32_t>(rounded) - std::bit_cast<std::uint32_t>(0.5f));
  }
  const std::uint32_t nearest_even = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return with_sign((nearest_even - 0x38000000u) >> 13);
}

}  // namespace medlsam
