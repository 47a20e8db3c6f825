#include "volumes/dicom/jpeg_lossless.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "volumes/dicom/jpeg_huffman.hpp"

namespace medlsam {
namespace {

enum Marker : unsigned {
  kSof3 = 0xc3,
  kDht = 0xc4,
  kJpg = 0xc8,
  kDac = 0xcc,
  kSofLast = 0xcf,
  kRst0 = 0xd0,
  kRst7 = 0xd7,
  kSoi = 0xd8,
  kEoi = 0xd9,
  kSos = 0xda,
  kDnl = 0xdc,
  kDri = 0xdd,
  kExp = 0xdf,
};

unsigned byte_at(std::span<const std::byte> bytes, std::size_t index) {
  return std::to_integer<unsigned>(bytes[index]);
}

unsigned word_at(std::span<const std::byte> bytes, std::size_t index) {
  return byte_at(bytes, index) << 8 | byte_at(bytes, index + 1);
}

// The markers of a code stream, their parameters, and what is coded between them.
class Stream {
 public:
  explicit Stream(std::span<const std::byte> bytes) : bytes_(bytes) {}

  unsigned next_marker() {
    if (at_ >= bytes_.size() || byte_at(bytes_, at_) != 0xff) {
      fail_jpeg(at_ >= bytes_.size()
                    ? "end early. Copy the file again"
                    : "hold no marker at byte " + std::to_string(at_) + ". They are damaged");
    }
    while (at_ < bytes_.size() && byte_at(bytes_, at_) == 0xff) ++at_;  // any number of them may come first
    if (at_ == bytes_.size()) fail_jpeg("end early, within a marker. Copy the file again");
    return byte_at(bytes_, at_++);
  }

  std::span<const std::byte> parameters() {
    const std::size_t left = bytes_.size() - at_;
    const std::size_t length = left < 2 ? 0 : word_at(bytes_, at_);
    if (length < 2 || length > left)
      fail_jpeg("have a marker at byte " + std::to_string(at_) +
                " whose length cannot be. They are cut off or damaged");
    const auto found = bytes_.subspan(at_ + 2, length - 2);
    at_ += length;
    return found;
  }

  // The coded bytes up to the next marker or the end, without the zeros that were stuffed behind 0xff.
  std::span<const std::byte> coded() {
    coded_.clear();
    while (at_ < bytes_.size()) {
      const auto* from = bytes_.data() + at_;
      const auto* ff = static_cast<const std::byte*>(std::memchr(from, 0xff, bytes_.size() - at_));
      coded_.insert(coded_.end(), from, ff == nullptr ? bytes_.data() + bytes_.size() : ff);
      at_ = ff == nullptr ? bytes_.size() : static_cast<std::size_t>(ff - bytes_.data());
      if (bytes_.size() - at_ < 2 || byte_at(bytes_, at_ + 1) != 0) break;
      coded_.push_back(std::byte{0xff});
      at_ += 2;
    }
    return coded_;
  }

  std::size_t left() const { return bytes_.size() - at_; }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  std::vector<std::byte> coded_;
};

struct Scan {
  FrameSize size;
  unsigned precision = 0, component = 0;
  unsigned predictor = 0, shift = 0;  // Ss and the point transform
  std::size_t restart_interval = 0;   // in pixels, whole rows of them; 0: there are none
  std::array<std::optional<JpegHuffman>, 4> tables;
  std::size_t table = 0;  // the one of the scan
};

void read_tables(std::span<const std::byte> from, Scan& scan) {
  while (!from.empty()) {
    if (from.size() < 17) fail_jpeg("have a Huffman table that is cut off. They are damaged");
    const unsigned kind = byte_at(from, 0) >> 4, id = byte_at(from, 0) & 15;
    const auto counts = from.subspan<1, 16>();
    std::size_t codes = 0;
    for (const std::byte count : counts) codes += std::to_integer<std::size_t>(count);
    from = from.subspan(17);
    if (kind > 1 || id >= scan.tables.size() || codes > 256 || codes > from.size()) {
      fail_jpeg("have a Huffman table that is no table. They are damaged");
    }
    if (kind == 0) scan.tables[id].emplace(counts, from.first(codes));  // 1 is for other processes
    from = from.subspan(codes);
  }
}

void read_frame(std::span<const std::byte> from, const FrameSize& wanted, std::size_t width, Scan& scan) {
  if (scan.precision != 0) fail_jpeg("hold two images where one belongs. The file is damaged");
  if (from.size() < 6 || from.size() != 6 + 3 * std::size_t{byte_at(from, 5)}) {
    fail_jpeg("have a frame header that is cut off. They are damaged");
  }
  const FrameSize size{word_at(from, 1), word_at(from, 3)};
  if (size.rows != wanted.rows || size.columns != wanted.columns) {
    fail_jpeg("hold " + std::to_string(size.rows) + " rows of " + std::to_string(size.columns) +
              " pixels, but Rows and Columns say " + std::to_string(wanted.rows) + " and " +
              std::to_string(wanted.columns) + ". The file is damaged");
  }
  if (byte_at(from, 5) != 1) {
    fail_jpeg("have " + std::to_string(byte_at(from, 5)) + " components: a gray image has one");
  }
  scan.size = size;
  scan.precision = byte_at(from, 0);
  scan.component = byte_at(from, 6);
  if (scan.precision < 2 || scan.precision > 16 || scan.precision > 8 * width) {
    fail_jpeg("have samples of " + std::to_string(scan.precision) + " bits, but BitsAllocated says " +
              std::to_string(8 * width) + ". The file is damaged");
  }
}

void read_scan_header(std::span<const std::byte> from, Scan& scan) {
  if (scan.precision == 0) fail_jpeg("have a scan before their frame header. They are damaged");
  if (from.size() != 6 || byte_at(from, 0) != 1 || byte_at(from, 1) != scan.component) {
    fail_jpeg("have a scan header that is not that of one component. They are damaged");
  }
  const unsigned id = byte_at(from, 2) >> 4;
  scan.predictor = byte_at(from, 3);
  scan.shift = byte_at(from, 5) & 15;
  if (scan.predictor < 1 || scan.predictor > 7 || scan.shift >= scan.precision) {
    fail_jpeg("name the predictor " + std::to_string(scan.predictor) + " and the point transform " +
              std::to_string(scan.shift) + " for " + std::to_string(scan.precision) +
              " bits, which cannot be. They are damaged");
  }
  if (id >= scan.tables.size() || !scan.tables[id]) {
    fail_jpeg("have no Huffman table " + std::to_string(id) + ", which their scan names. They are damaged");
  }
  scan.table = id;
  if (scan.restart_interval % scan.size.columns != 0) {
    fail_jpeg("restart every " + std::to_string(scan.restart_interval) +
              " pixels, which is not after whole rows");
  }
}

// Reads everything before the first coded byte.
Scan read_headers(Stream& stream, const FrameSize& size, std::size_t width) {
  if (stream.next_marker() != kSoi) fail_jpeg("do not start with SOI. The file is damaged");
  Scan scan;
  while (true) {
    const unsigned marker = stream.next_marker();
    if (marker == kEoi) fail_jpeg("hold no image. The file is damaged");
    if (marker <= 1 || (marker >= kRst0 && marker <= kSoi))
      fail_jpeg("have a marker out of place. They are damaged");
    const auto from = stream.parameters();
    if (marker == kSof3) {
      read_frame(from, size, width, scan);
    } else if (marker == kDht) {
      read_tables(from, scan);
    } else if (marker == kDri) {
      if (from.size() != 2) fail_jpeg("have a restart interval that is no number. They are damaged");
      scan.restart_interval = word_at(from, 0);
    } else if (marker == kSos) {
      read_scan_header(from, scan);
      return scan;
    } else if ((marker > kSof3 && marker <= kSofLast && marker != kJpg) ||
               (marker >= kDnl && marker <= kExp) || marker == 0xc0 || marker == 0xc1 || marker == 0xc2) {
      fail_jpeg(
          "are of another process than 14, lossless with Huffman codes. Convert them: gdcmconv --raw IN OUT");
    }
  }
}

// T.81, table H.1: `left`, `above`, and `corner`, above the left one.
template <unsigned kPredictor>
int predict(int left, int above, int corner) {
  switch (kPredictor) {
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return corner;
    case 4:
      return left + above - corner;
    case 5:
      return left + ((above - corner) >> 1);
    case 6:
      return above + ((left - corner) >> 1);
    default:
      return (left + above) >> 1;
  }
}

using Row = std::span<std::uint16_t>;

// Fills `row` from its second sample on.
template <unsigned kPredictor>
void decode_row(const JpegHuffman& table, JpegBits& from, const std::uint16_t* above, Row row) {
  JpegBits bits = from;
  std::uint16_t left = row[0];
  for (std::size_t x = 1; x < row.size(); ++x) {
    const int predicted = predict<kPredictor>(left, above[x], above[x - 1]);
    left = static_cast<std::uint16_t>(predicted + table.difference(bits));
    row[x] = left;
  }
  from = bits;
}

using DecodeRow = void (*)(const JpegHuffman&, JpegBits&, const std::uint16_t* above, Row row);
constexpr DecodeRow kDecodeRow[] = {decode_row<1>, decode_row<2>, decode_row<3>, decode_row<4>,
                                    decode_row<5>, decode_row<6>, decode_row<7>};

// Stores a row as samples of `width` bytes.
void store_row(std::span<const std::uint16_t> row, const Scan& scan, std::size_t width, std::byte* to) {
  unsigned all = 0;
  for (const std::uint16_t sample : row) all |= sample;
  if (all >> (scan.precision - scan.shift) != 0) {
    fail_jpeg("hold values of more than " + std::to_string(scan.precision) + " bits. They are damaged");
  }
  const auto store = [&]<class T>(T) {
    for (std::size_t x = 0; x < row.size(); ++x) {
      const T sample = static_cast<T>(static_cast<unsigned>(row[x]) << scan.shift);
      std::memcpy(to + x * sizeof(T), &sample, sizeof(T));
    }
  };
  if (width == 1) store(std::uint8_t{});
  if (width == 2) store(std::uint16_t{});
  if (width == 4) store(std::uint32_t{});
}

[[noreturn]] void fail_length(std::int64_t left, std::size_t row) {
  fail_jpeg(left < 0
                ? "end early, in row " + std::to_string(row) + ". Copy the file again"
                : "go on after row " + std::to_string(row) + ", where they should end. They are damaged");
}

// Rows [begin, end), which were coded by themselves: the first is predicted from nothing above.
void decode_rows(std::span<const std::byte> coded, const Scan& scan, std::size_t begin, std::size_t end,
                 std::size_t width, std::span<std::byte> samples) {
  constexpr std::int64_t kPadding = 4 * 8 + 7;  // bits; some writers end with whole words
  const std::size_t columns = scan.size.columns;
  std::vector<std::uint16_t> rows(2 * columns);
  Row above = Row(rows).first(columns), row = Row(rows).last(columns);
  const JpegHuffman& table = *scan.tables[scan.table];
  JpegBits bits(coded);
  for (std::size_t y = begin; y < end; ++y, std::swap(above, row)) {
    const unsigned start = y == begin ? 1U << (scan.precision - scan.shift - 1) : above[0];
    row[0] = static_cast<std::uint16_t>(start + table.difference(bits));
    kDecodeRow[y == begin ? 0 : scan.predictor - 1](table, bits, above.data(), row);
    if (bits.left() < 0) fail_length(bits.left(), y);
    store_row(row, scan, width, samples.data() + y * columns * width);
  }
  if (bits.left() > kPadding) fail_length(bits.left(), end - 1);
}

}  // namespace

void decode_jpeg_lossless(std::span<const std::byte> bytes, const FrameSize& size, std::size_t width,
                          std::span<std::byte> samples) {
  Stream stream(bytes);
  const Scan scan = read_headers(stream, size, width);
  const std::size_t step = scan.restart_interval == 0 ? size.rows : scan.restart_interval / size.columns;
  for (std::size_t begin = 0, restart = 0; begin < size.rows; begin += step, ++restart) {
    if (begin > 0 && stream.next_marker() != kRst0 + (restart - 1) % 8) {
      fail_jpeg("have no restart marker before row " + std::to_string(begin) + ". They are damaged");
    }
    decode_rows(stream.coded(), scan, begin, std::min(begin + step, size.rows), width, samples);
  }
  // A stream without EOI is whole all the same.
  if (stream.left() > 1 && stream.next_marker() != kEoi)
    fail_jpeg("go on where they should end. They are damaged");
}

}  // namespace medlsam
