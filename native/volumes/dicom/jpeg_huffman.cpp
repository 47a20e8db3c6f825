#include "volumes/dicom/jpeg_huffman.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace medlsam {
namespace {

constexpr unsigned kLongest = 16;

// The difference that `category` bits at the top of `next` stand for.
std::uint16_t extend(unsigned category, std::uint64_t next) {
  if (category == 0) return 0;
  if (category == 16) return 0x8000;
  const auto value = static_cast<std::uint32_t>(next >> (64 - category));
  const bool negative = value >> (category - 1) == 0;
  return static_cast<std::uint16_t>(negative ? value - (1U << category) + 1 : value);
}

}  // namespace

void fail_jpeg(const std::string& message) {
  throw Error(ErrorCode::kBadVolume, "the JPEG data of its pixels " + message);
}

JpegBits JpegBits::filled_at_end(JpegBits bits) {
  while (bits.held_ <= 56) {
    if (bits.next_ < bits.segment_.size()) {
      bits.bits_ |= std::to_integer<std::uint64_t>(bits.segment_[bits.next_]) << (56 - bits.held_);
    }
    ++bits.next_;
    bits.held_ += 8;
  }
  return bits;
}

JpegHuffman::JpegHuffman(std::span<const std::byte, 16> counts, std::span<const std::byte> categories) {
  if (std::ranges::any_of(categories, [](std::byte c) { return c > std::byte{16}; })) {
    fail_jpeg("have a Huffman table that is not lossless JPEG's. The file is damaged");
  }
  std::ranges::transform(categories, categories_.begin(),
                         [](std::byte category) { return std::to_integer<std::uint8_t>(category); });
  std::uint32_t code = 0;
  std::uint16_t index = 0;
  for (unsigned length = 1; length <= kLongest; ++length, code <<= 1) {
    first_[length] = code;
    offset_[length] = index;
    const auto count = std::to_integer<std::uint16_t>(counts[length - 1]);
    code += count;
    index = static_cast<std::uint16_t>(index + count);
    if (code > 1U << length) {
      fail_jpeg("have a Huffman table with more codes of " + std::to_string(length) +
                " bits than there are. The file is damaged");
    }
    end_[length] = code << (kLongest - length);
  }
  for (std::uint32_t ahead = 0; ahead < coded_.size(); ++ahead) {
    const std::uint64_t next = std::uint64_t{ahead} << (64 - kAhead);
    if (next >> 48 >= end_[kLongest]) break;  // no code begins so
    const Coded coded = find(next);
    if (coded.bits <= kAhead) coded_[ahead] = coded;
  }
}

JpegHuffman::Coded JpegHuffman::find(std::uint64_t next) const {
  for (unsigned length = 1; length <= kLongest; ++length) {
    if (next >> 48 >= end_[length]) continue;
    const auto code = static_cast<std::uint32_t>(next >> (64 - length));
    const unsigned category = categories_[offset_[length] + code - first_[length]];
    const unsigned extra = category == 16 ? 0 : category;  // 16 stands for one difference
    return {extend(category, next << length), static_cast<std::uint16_t>(length + extra)};
  }
  fail_jpeg("hold bits that are no code. The file is damaged; copy it again");
}

}  // namespace medlsam
