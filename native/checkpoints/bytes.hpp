// Reads the bytes of an untrusted file as numbers and text.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

namespace medlsam {

// A little-endian number at `offset`; the caller has checked that sizeof(Number) bytes are there.
template <class Number>
Number load_number(std::span<const std::byte> bytes, std::size_t offset = 0) {
  Number value;
  std::memcpy(&value, bytes.data() + offset, sizeof(Number));
  return value;
}

// Whether [offset, offset + size) lies within `total` bytes; offset + size may overflow.
constexpr bool lies_within(std::size_t total, std::size_t offset, std::size_t size) {
  return offset <= total && size <= total - offset;
}

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline bool starts_with(std::span<const std::byte> bytes, std::string_view prefix) {
  return as_text(bytes).starts_with(prefix);
}

}  // namespace medlsam
