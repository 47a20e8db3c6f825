#include "volumes/dicom/jpeg_lossless.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "testing/jpeg_bytes.hpp"
#include "testing/nifti_bytes.hpp"

namespace medlsam {
namespace {

using doctest::Contains;
using Samples = std::vector<std::uint16_t>;

// Values that need every category of difference, the 16th too, and 0xff bytes in the code.
Samples samples_of(const JpegFields& f) {
  Samples samples(f.rows * f.columns);
  const unsigned top = (1U << f.precision) - 1;
  std::uint32_t state = 7;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    state = state * 1664525 + 1013904223;
    const unsigned noise = (state >> 8) >> (state % 24);  // of all sizes
    const unsigned sample = i % 7 == 3 ? top : i % 7 == 4 ? top / 2 : noise & top;
    samples[i] = static_cast<std::uint16_t>(sample >> f.shift << f.shift);
  }
  return samples;
}

template <class T = std::uint16_t>
std::vector<T> decode(const Bytes& stream, const FrameSize& size) {
  std::vector<T> samples(size.rows * size.columns);
  decode_jpeg_lossless(stream, size, sizeof(T), std::as_writable_bytes(std::span(samples)));
  return samples;
}

void check(const JpegFields& fields) {
  CAPTURE(fields.precision);
  CAPTURE(fields.predictor);
  CAPTURE(fields.shift);
  CAPTURE(fields.rows_a_restart);
  const Samples samples = samples_of(fields);
  CHECK(decode(JpegWriter(fields).write(samples), {fields.rows, fields.columns}) == samples);
}

TEST_CASE("JPEG lossless: every predictor and precision, short and long codes") {
  for (unsigned predictor = 1; predictor <= 7; ++predictor) {
    for (unsigned precision = 2; precision <= 16; ++precision) {
      check({.rows = 19, .columns = 23, .precision = precision, .predictor = predictor});
      check({.rows = 19, .columns = 23, .precision = precision, .predictor = predictor, .long_codes = true});
    }
  }
}

TEST_CASE("JPEG lossless: point transform, restarts, one pixel, no EOI") {
  for (const unsigned predictor : {1U, 4U, 7U}) {
    check({.rows = 9, .columns = 6, .precision = 12, .predictor = predictor, .shift = 3});
    check({.rows = 25, .columns = 6, .predictor = predictor, .rows_a_restart = 2});  // more than 8 restarts
    check({.rows = 25, .columns = 6, .predictor = predictor, .rows_a_restart = 25});
    check({.rows = 1, .columns = 1, .predictor = predictor});
    check({.rows = 1, .columns = 300, .predictor = predictor, .end = false});
    check({.rows = 300, .columns = 1, .predictor = predictor});
  }
}

TEST_CASE("JPEG lossless: samples of a byte and of four") {
  const JpegFields fields{.precision = 8};
  const Samples samples = samples_of(fields);
  const Bytes stream = JpegWriter(fields).write(samples);
  CHECK(std::ranges::equal(decode<std::uint8_t>(stream, {4, 5}), samples));
  CHECK(std::ranges::equal(decode<std::uint32_t>(stream, {4, 5}), samples));
}

doctest::String failure(const Bytes& stream, const FrameSize& size = {4, 5}) {
  return error_of([&] { decode(stream, size); });
}

TEST_CASE("JPEG lossless: other images and damaged headers are refused") {
  const JpegFields fields;
  const Bytes stream = JpegWriter(fields).write(samples_of(fields));
  CHECK(failure({}) == Contains("BAD_VOLUME the JPEG data of its pixels end early"));
  CHECK(failure(stream, {5, 4}) == Contains("hold 4 rows of 5 pixels, but Rows and Columns say 5 and 4"));
  const auto changed = [&](std::size_t at, unsigned value) {
    Bytes copy = stream;
    copy[at] = static_cast<std::byte>(value);
    return failure(copy);
  };
  CHECK(changed(1, 0xd9) == Contains("SOI"));
  CHECK(changed(3, 0xc0) == Contains("another process than 14"));
  CHECK(changed(3, 0xc7) == Contains("another process than 14"));
  CHECK(changed(3, 0xcb) == Contains("another process than 14"));
  CHECK(changed(3, 0xd3) == Contains("out of place"));
  CHECK(changed(3, 0xd9) == Contains("hold no image"));
  CHECK(changed(4, 0xff) == Contains("whose length cannot be"));
  CHECK(changed(6, 17) == Contains("samples of 17 bits"));
  CHECK(changed(6, 1) == Contains("samples of 1 bits"));
  CHECK(changed(11, 3) == Contains("frame header"));
  CHECK(changed(16, 0xc5) == Contains("another process"));
  const std::size_t table = 15 + 4;  // its class and number
  CHECK(changed(table, 0x12) == Contains("no Huffman table 2"));
  CHECK(changed(table, 0x04) == Contains("no table"));
  CHECK(changed(table + 1, 3) == Contains("no table"));  // 20 codes, but 17 categories
  CHECK(changed(table + 17, 17) == Contains("not lossless JPEG's"));
  const std::size_t scan = table + 17 + 17;  // SOS
  REQUIRE(stream[scan + 1] == std::byte{0xda});
  CHECK(changed(scan + 1, 0xdf) == Contains("another process"));
  CHECK(changed(scan + 4, 2) == Contains("scan header"));
  CHECK(changed(scan + 5, 8) == Contains("scan header"));
  CHECK(changed(scan + 7, 0) == Contains("the predictor 0"));
  CHECK(changed(scan + 7, 8) == Contains("the predictor 8"));
  CHECK(changed(scan + 9, 15) == Contains("values of more than 16 bits"));  // one bit is left of each
}

TEST_CASE("JPEG lossless: too many codes of a length, and bits that are no code") {
  const JpegFields fields{.long_codes = true};
  Bytes stream = JpegWriter(fields).write(samples_of(fields));
  const std::size_t counts = 15 + 5;
  stream[counts] = std::byte{2};
  stream[counts + 15] = std::byte{1};
  CHECK(failure(stream) == Contains("more codes of 2 bits than there are"));
  stream[counts] = std::byte{0};  // nothing begins with 0 any more: codes of 2 bits begin with 00
  stream[counts + 15] = std::byte{3};
  const JpegFields few;
  Bytes incomplete = JpegWriter(few).write(Samples(20, 0xffff));
  incomplete[15 + 4 + 17 + 17 + 10] = std::byte{0xf8};  // 11111, which is none of the 17 codes of 5 bits
  CHECK(failure(incomplete) == Contains("no code"));
}

TEST_CASE("JPEG lossless: a scan with less or more than the image is refused") {
  for (const std::size_t restart : {0, 2}) {
    const JpegFields fields{.rows = 16, .columns = 20, .precision = 12, .rows_a_restart = restart};
    const Bytes stream = JpegWriter(fields).write(samples_of(fields));
    for (std::size_t size = 0; size + 3 < stream.size(); ++size) {
      CAPTURE(size);
      CHECK(failure(Bytes(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size)), {16, 20}) ==
            Contains("BAD_VOLUME"));
    }
    Bytes longer = stream;
    longer.insert(longer.end() - 2, 8, std::byte{0x55});
    CHECK(failure(longer, {16, 20}) == Contains("go on after row 15"));
    longer = stream;
    longer.insert(longer.end() - 2, 4, std::byte{0});  // padding to a word
    CHECK(failure(longer, {16, 20}) == "");
    longer.push_back(std::byte{0});  // DICOM's padding
    CHECK(failure(longer, {16, 20}) == "");
  }
  const JpegFields restarts{.rows_a_restart = 2};
  Bytes stream = JpegWriter(restarts).write(samples_of(restarts));
  const auto marker = std::ranges::search(stream, std::array{std::byte{0xff}, std::byte{0xd0}}).begin();
  REQUIRE(marker != stream.end());
  marker[1] = std::byte{0xd1};
  CHECK(failure(stream) == Contains("no restart marker before row 2"));
}

TEST_CASE("JPEG lossless: values beyond the precision are refused") {
  const JpegFields wide{.precision = 12};
  const Samples samples(20, 4000);
  Bytes stream = JpegWriter(wide).write(samples);
  CHECK(failure(stream) == "");
  stream[6] = std::byte{11};
  CHECK(failure(stream) == Contains("values of more than 11 bits"));
  stream = JpegWriter(wide).write(samples);
  CHECK(error_of([&] {
          decode<std::uint8_t>(stream, {4, 5});
        }) == Contains("samples of 12 bits, but BitsAllocated says 8"));
}

}  // namespace
}  // namespace medlsam
