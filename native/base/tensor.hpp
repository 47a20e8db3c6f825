// Tensors: a type, a shape and elements, row-major. A TensorView's lie in a mapped checkpoint; a Tensor
// shares its storage, which may be on another device than the CPU.
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

#include "base/device.hpp"

namespace medlsam {

using Shape = std::vector<std::int64_t>;

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
  Shape shape;
  std::span<const std::byte> bytes;

  std::size_t elements() const;
};

// Memory of one device that tensors share.
class Storage {
 public:
  virtual ~Storage() = default;
  virtual Device device() const = 0;
  virtual const std::byte* host() const = 0;  // null where the CPU cannot read it in place
  // Copies `to.size()` bytes from `offset` on to the host, once they are there.
  virtual void read(std::size_t offset, std::span<std::byte> to) const = 0;
  // Address of the bytes in the memory of device().
  virtual const std::byte* address() const { return host(); }
  // The cudaStream_t in whose order the bytes are written and must be read; null on the host.
  virtual void* stream() const { return nullptr; }
};

// A dense array of one type on one device, row-major. Copies share the storage.
class Tensor {
 public:
  Tensor() = default;  // empty: shape [0]
  // `offset`: the first element's place in the storage, in bytes.
  Tensor(DType dtype, Shape shape, std::shared_ptr<const Storage> storage, std::size_t offset = 0);

  // float32 on the host. `owner` keeps the values alive; without one they are the caller's, and outlive this.
  static Tensor on_host(const float* values, Shape shape, std::shared_ptr<const void> owner = nullptr);
  static Tensor on_host(std::vector<float> values, Shape shape);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  Device device() const { return storage_ ? storage_->device() : Device{}; }
  std::size_t elements() const;

  // The elements in place. Throws kInternal if they are not float32 or not on the host: go there by
  // to_host().
  const float* floats() const;
  // This tensor, or a copy of one that is on another device, float32 if it is of a shorter floating type.
  Tensor to_host() const;
  // The first element's address in the memory of device(), and the stream that orders accesses (Storage).
  const std::byte* address() const { return storage_ ? storage_->address() + offset_ : nullptr; }
  void* stream() const { return storage_ ? storage_->stream() : nullptr; }
  // Part [begin, end) of the first axis, sharing the storage.
  Tensor slice(std::int64_t begin, std::int64_t end) const;

 private:
  DType dtype_ = DType::kF32;
  Shape shape_ = {0};
  std::shared_ptr<const Storage> storage_;
  std::size_t offset_ = 0;
};

// Product of a shape's extents, none of them negative.
std::size_t shape_elements(std::span<const std::int64_t> shape);

// Product of a shape that a file claims; nullopt where a length is negative or the product of the non-zero
// lengths does not fit 63 bits.
std::optional<std::size_t> checked_elements(std::span<const std::int64_t> shape);

std::string shape_text(std::span<const std::int64_t> shape);  // "[48, 1, 3, 3, 3]"

// Any floating type as float32, into `out` (elements() values). Throws kBadCheckpoint for other types.
void to_float32(const TensorView& tensor, std::span<float> out);

float half_to_float(std::uint16_t bits);
std::uint16_t float_to_half(float value);  // nearest even

}  // namespace medlsam
