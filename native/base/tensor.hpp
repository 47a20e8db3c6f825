// Tensors as checkpoint files hold them: a type, a shape and bytes that lie in a mapped file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace medlsam {

enum class DType : std::uint8_t {
  kF64,
  kF32,
  kF16,
  kBF16,
  kI64,
  kI32,
  kI16,
  kI8,
  kU64,
  kU32,
  kU16,
  kU8,
  kBool
};

std::size_t dtype_size(DType dtype);                          // bytes of one element
const char* dtype_name(DType dtype);                          // safetensors' names: "F32", "BF16", …
std::optional<DType> dtype_from_name(std::string_view name);  // the reverse; nullopt: none of ours

// C-contiguous, little-endian; `bytes` may be unaligned and lives as long as the Checkpoint it came from.
struct TensorView {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;

  std::size_t elements() const;
};

// Product of a shape that a file claims; nullopt where a length is negative or the product of the non-zero
// lengths does not fit 63 bits.
std::optional<std::size_t> checked_elements(std::span<const std::int64_t> shape);

std::string shape_text(std::span<const std::int64_t> shape);  // "[48, 1, 3, 3, 3]"

// Any floating type as float32, into `out` (elements() values). Throws kBadCheckpoint for other types.
void to_float32(const TensorView& tensor, std::span<float> out);

float half_to_float(std::uint16_t bits);
std::uint16_t float_to_half(float value);  // nearest even

}  // namespace medlsam
