// The entropy coding of lossless JPEG (ITU-T T.81, F.2.2.1 and H.1.2.2): Huffman codes of categories, each
// followed by as many bits of a difference.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace medlsam {

// Throws kBadVolume: "the JPEG data of its pixels " + message.
[[noreturn]] void fail_jpeg(const std::string& message);

// The bits of an entropy-coded segment from which stuffed zero bytes were taken out. Beyond its end they are
// 0, and left() is negative.
class JpegBits {
 public:
  explicit JpegBits(std::span<const std::byte> segment) : segment_(segment) {}

  // The next 64 bits, of which 56 at least are those of the segment. Call it before each code.
  std::uint64_t peek() {
    std::uint64_t word;
    if (next_ + sizeof word > segment_.size()) {
      *this = filled_at_end(*this);
    } else {
      std::memcpy(&word, segment_.data() + next_, sizeof word);
      if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap64(word);
      bits_ |= word >> held_;
      next_ += (63 - held_) / 8;
      held_ |= 56;
    }
    return bits_;
  }

  void skip(unsigned count) {  // at most 56 after a peek()
    bits_ <<= count;
    held_ -= count;
  }

  // Bits that are left.
  std::int64_t left() const {
    return (static_cast<std::int64_t>(segment_.size()) - static_cast<std::int64_t>(next_)) * 8 + held_;
  }

 private:
  // By value, here and in JpegHuffman, so that a loop's reader can stay in registers.
  static JpegBits filled_at_end(JpegBits bits);

  std::span<const std::byte> segment_;
  std::size_t next_ = 0;    // the byte that comes next into bits_; may go beyond the end
  std::uint64_t bits_ = 0;  // from the top
  unsigned held_ = 0;       // that many of them are counted as read
};

// A table of codes for categories 0 to 16.
class JpegHuffman {
 public:
  // `counts`: codes of 1 to 16 bits; `categories` in their order. Throws kBadVolume for categories above 16
  // and for more codes than their lengths have.
  JpegHuffman(std::span<const std::byte, 16> counts, std::span<const std::byte> categories);

  // The next difference, modulo 2^16. Throws kBadVolume for bits that begin no code.
  std::uint16_t difference(JpegBits& bits) const {
    const std::uint64_t next = bits.peek();
    Coded coded = coded_[next >> (64 - kAhead)];
    if (coded.bits == 0) coded = find(next);
    bits.skip(coded.bits);
    return coded.difference;
  }

 private:
  static constexpr unsigned kAhead = 12;
  struct Coded {
    std::uint16_t difference = 0;
    std::uint16_t bits = 0;  // of the code and what follows it; 0 in the table: more than kAhead, or no code
  };

  Coded find(std::uint64_t next) const;

  std::array<Coded, std::size_t{1} << kAhead> coded_{};  // by the next bits
  std::array<std::uint32_t, 17> end_{};     // for each length, one above its last code, moved to 16 bits
  std::array<std::uint32_t, 17> first_{};   // for each length, its first code
  std::array<std::uint16_t, 17> offset_{};  // and where that code's category is
  std::array<std::uint8_t, 256> categories_{};
};

}  // namespace medlsam
