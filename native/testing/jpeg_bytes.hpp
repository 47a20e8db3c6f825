// Lossless JPEG code streams and RLE frames, written from the standards independently of the code under test.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace medlsam {

struct JpegFields {
  std::size_t rows = 4, columns = 5;
  unsigned precision = 16, predictor = 1, shift = 0;
  std::size_t rows_a_restart = 0;
  bool long_codes = false;  // of 1 to 16 bits, instead of 5 for every category
  bool end = true;          // with EOI
};

class JpegWriter {
 public:
  explicit JpegWriter(const JpegFields& fields) : fields_(fields) {}

  // `samples`: those that come back, whose lowest fields.shift bits are 0.
  std::vector<std::byte> write(const std::vector<std::uint16_t>& samples) {
    put({0xff, 0xd8});
    put({0xff, 0xc3, 0, 11, fields_.precision, fields_.rows >> 8, fields_.rows & 255, fields_.columns >> 8,
         fields_.columns & 255, 1, 7, 0x11, 0});
    put_table();
    if (fields_.rows_a_restart > 0) {
      const std::size_t interval = fields_.rows_a_restart * fields_.columns;
      put({0xff, 0xdd, 0, 4, interval >> 8, interval & 255});
    }
    put({0xff, 0xda, 0, 8, 1, 7, 0x20, fields_.predictor, 0, fields_.shift});
    put_scan(samples);
    if (fields_.end) put({0xff, 0xd9});
    return out_;
  }

 private:
  void put(std::initializer_list<std::size_t> bytes) {
    for (const std::size_t byte : bytes) out_.push_back(static_cast<std::byte>(byte));
  }

  unsigned length(unsigned category) const { return fields_.long_codes ? std::min(category + 1, 16U) : 5; }
  unsigned code(unsigned category) const {
    if (!fields_.long_codes) return category;
    return category == 16 ? 0xffff : (1U << (category + 1)) - 2;  // 0, 10, 110, …
  }

  void put_table() {
    put({0xff, 0xc4, 0, 19 + 17, 0x02});
    for (unsigned length = 1; length <= 16; ++length) {
      if (fields_.long_codes) {
        put({length == 16 ? 2U : 1U});
      } else {
        put({length == 5 ? 17U : 0U});
      }
    }
    for (unsigned category = 0; category <= 16; ++category) put({category});
  }

  void put_bits(unsigned value, unsigned count) {
    for (unsigned i = count; i-- > 0;) {
      byte_ = byte_ << 1 | (value >> i & 1);
      if (++held_ == 8) put_byte();
    }
  }
  void put_byte() {
    put({byte_ & 255});
    if ((byte_ & 255) == 255) put({0});
    byte_ = held_ = 0;
  }
  void pad() {
    while (held_ > 0) put_bits(1, 1);
  }

  int predicted(const std::vector<std::uint16_t>& samples, std::size_t y, std::size_t x) const {
    const auto at = [&](std::size_t row, std::size_t column) {
      return static_cast<int>(samples[row * fields_.columns + column] >> fields_.shift);
    };
    const bool first_row = fields_.rows_a_restart > 0 ? y % fields_.rows_a_restart == 0 : y == 0;
    if (x == 0) return first_row ? 1 << (fields_.precision - fields_.shift - 1) : at(y - 1, 0);
    const int a = at(y, x - 1);
    if (first_row) return a;
    const int b = at(y - 1, x), c = at(y - 1, x - 1);
    const std::array<int, 8> by = {0,           a, b, c, a + b - c, a + ((b - c) >> 1), b + ((a - c) >> 1),
                                   (a + b) >> 1};
    return by[fields_.predictor];
  }

  void put_scan(const std::vector<std::uint16_t>& samples) {
    for (std::size_t y = 0; y < fields_.rows; ++y) {
      if (fields_.rows_a_restart > 0 && y > 0 && y % fields_.rows_a_restart == 0) {
        pad();
        put({0xff, 0xd0 + (y / fields_.rows_a_restart - 1) % 8});
      }
      for (std::size_t x = 0; x < fields_.columns; ++x) {
        const int sample = samples[y * fields_.columns + x] >> fields_.shift;
        int difference = (sample - predicted(samples, y, x)) & 0xffff;  // modulo 2^16, in −32767 … 32768
        if (difference > 32768) difference -= 65536;
        const unsigned size = static_cast<unsigned>(difference < 0 ? -difference : difference);
        const auto category = static_cast<unsigned>(std::bit_width(size));
        put_bits(code(category), length(category));
        if (category < 16) {
          put_bits(static_cast<unsigned>(difference < 0 ? difference - 1 : difference), category);
        }
      }
    }
    pad();
  }

  JpegFields fields_;
  std::vector<std::byte> out_;
  std::size_t byte_ = 0, held_ = 0;
};

// A frame whose planes hold each row as one literal run of at most 128 bytes, or as repeats where bytes
// repeat.
inline std::vector<std::byte> rle_frame(const std::vector<std::vector<std::uint8_t>>& planes) {
  std::vector<std::byte> out(64);
  const auto put_word = [&](std::size_t at, std::size_t value) {
    for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<std::byte>(value >> (8 * i));
  };
  put_word(0, planes.size());
  for (std::size_t i = 0; i < planes.size(); ++i) {
    put_word(4 * (i + 1), out.size());
    const auto& plane = planes[i];
    for (std::size_t at = 0; at < plane.size();) {
      std::size_t run = 1;
      while (run < 128 && at + run < plane.size() && plane[at + run] == plane[at]) ++run;
      if (run > 1) {
        out.push_back(static_cast<std::byte>(257 - run));
      } else {
        out.push_back(std::byte{0});  // one byte as it is
      }
      out.push_back(static_cast<std::byte>(plane[at]));
      at += run;
    }
    if (out.size() % 2 == 1) out.push_back(std::byte{0});
  }
  return out;
}

}  // namespace medlsam
