#include "volumes/dicom/frames.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "testing/jpeg_bytes.hpp"
#include "testing/nifti_bytes.hpp"

namespace medlsam {
namespace {

using doctest::Contains;

constexpr FrameSize kSize{2, 3};

template <class T>
Bytes bytes_of(std::initializer_list<int> samples) {
  Bytes bytes;
  for (const int sample : samples) {
    for (std::size_t i = 0; i < sizeof(T); ++i) bytes.push_back(static_cast<std::byte>(sample >> (8 * i)));
  }
  return bytes;
}

DicomFrame frame_of(const Bytes& bytes, double slope = 1, double intercept = 0) {
  DicomFrame frame{.name = "a.dcm", .bytes = bytes, .fragments = {{0, bytes.size()}}};
  frame.slope = slope;
  frame.intercept = intercept;
  return frame;
}

DicomFrames series(std::vector<DicomFrame> frames, bool is_signed = false) {
  return {kSize, is_signed, {-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, std::move(frames)};
}

template <class T>
std::vector<T> values(const DicomFrames& frames) {
  Task task;
  task.threads = 2;
  const Volume volume = volume_from_frames(frames, task);
  CHECK(volume.dtype == (sizeof(T) == 2 ? DType::kI16 : DType::kF32));
  CHECK(volume.slope == 1);
  CHECK(volume.intercept == 0);
  REQUIRE(volume.data.size() == volume.voxels() * sizeof(T));
  std::vector<T> result(volume.voxels());
  std::memcpy(result.data(), volume.data.data(), volume.data.size());
  return result;
}

using Whole = std::vector<std::int16_t>;

TEST_CASE("frames: bytes, words and double words, of both byte orders") {
  const Bytes words = bytes_of<std::uint16_t>({0, 1, 300, 1024, 4095, 2000});
  const Whole hu = {-1024, -1023, -724, 0, 3071, 976};
  DicomFrame frame = frame_of(words, 1, -1024);
  CHECK(values<std::int16_t>(series({frame})) == hu);
  Bytes swapped = words;
  for (std::size_t i = 0; i < swapped.size(); i += 2) std::swap(swapped[i], swapped[i + 1]);
  DicomFrame big = frame_of(swapped, 1, -1024);
  big.codec = FrameCodec::kBigEndian;
  const Volume both = volume_from_frames(series({frame, big}), Task{});
  CHECK(both.shape == Index3{2, 2, 3});
  CHECK(std::memcmp(both.data.data(), hu.data(), 12) == 0);
  CHECK(std::memcmp(both.data.data() + 12, hu.data(), 12) == 0);
  const Bytes bytes = bytes_of<std::uint8_t>({0, 1, 2, 127, 128, 255});
  frame = frame_of(bytes);
  frame.bits_allocated = frame.bits_stored = 8;
  CHECK(values<std::int16_t>(series({frame})) == Whole{0, 1, 2, 127, 128, 255});
  CHECK(values<std::int16_t>(series({frame}, true)) == Whole{0, 1, 2, 127, -128, -1});
  const Bytes doubles = bytes_of<std::uint32_t>({0, -1, 5, -32768, 32767, 7});
  frame = frame_of(doubles);
  frame.bits_allocated = frame.bits_stored = 32;
  CHECK(values<std::int16_t>(series({frame}, true)) == Whole{0, -1, 5, -32768, 32767, 7});
}

TEST_CASE("frames: bits above the stored ones do not count, the sign is the highest stored one") {
  const Bytes words = bytes_of<std::uint16_t>({0xf000, 0x8001, 0x0fff, 0x0800, 0x07ff, 0xffff});
  DicomFrame frame = frame_of(words);
  frame.bits_stored = 12;
  CHECK(values<std::int16_t>(series({frame})) == Whole{0, 1, 4095, 2048, 2047, 4095});
  CHECK(values<std::int16_t>(series({frame}, true)) == Whole{0, 1, -1, -2048, 2047, -1});
}

TEST_CASE("frames: padding becomes air, also where it would not fit") {
  const Bytes words = bytes_of<std::uint16_t>({65535, 65534, 65533, 0, 1, 2});
  DicomFrame frame = frame_of(words, 2, 10);
  frame.padding = {65533, 65535};
  CHECK(values<std::int16_t>(series({frame})) == Whole{-1024, -1024, -1024, 10, 12, 14});
  frame = frame_of(words);
  frame.padding = {-2, -1};
  CHECK(values<std::int16_t>(series({frame}, true)) == Whole{-1024, -1024, -3, 0, 1, 2});
  frame.padding = {std::numeric_limits<std::int64_t>::min(), -2};
  CHECK(values<std::int16_t>(series({frame}, true)) == Whole{-1, -1024, -1024, 0, 1, 2});
}

TEST_CASE("frames: fractions, other slopes and values beyond int16 make floats") {
  const Bytes words = bytes_of<std::uint16_t>({0, 1, 2, 3, 40000, 5});
  using Floats = std::vector<float>;
  CHECK(values<float>(series({frame_of(words)})) == Floats{0, 1, 2, 3, 40000, 5});
  CHECK(values<float>(series({frame_of(words, 0.5, -1)})) == Floats{-1, -0.5, 0, 0.5, 19999, 1.5});
  const Bytes small = bytes_of<std::uint16_t>({0, 1, 2, 3, 4, 5});
  CHECK(values<float>(series({frame_of(small), frame_of(small, 2)})) ==
        Floats{0, 1, 2, 3, 4, 5, 0, 2, 4, 6, 8, 10});
  CHECK(values<float>(series({frame_of(small, 1e30)}))[1] == 1e30F);
  CHECK(values<std::int16_t>(series({frame_of(small, 0, 7)})) == Whole(6, 7));
}

TEST_CASE("frames: fragments of files, compressed or not") {
  const TemporaryFolder folder;
  const JpegFields fields{.rows = 2, .columns = 3, .precision = 12};
  const std::vector<std::uint16_t> samples = {1, 2, 3, 100, 200, 4000};
  const Bytes jpeg = JpegWriter(fields).write(samples);
  const Bytes rle = rle_frame({{0, 0, 0, 0, 0, 15}, {1, 2, 3, 100, 200, 160}});
  Bytes file(10);
  file.insert(file.end(), jpeg.begin(), jpeg.begin() + 20);
  file.insert(file.end(), 3, std::byte{0xee});
  file.insert(file.end(), jpeg.begin() + 20, jpeg.end());
  const std::size_t end = file.size();
  file.insert(file.end(), rle.begin(), rle.end());
  save(folder / "b.dcm", file);
  DicomFrame frame{.name = "b.dcm", .codec = FrameCodec::kJpegLossless, .path = folder / "b.dcm"};
  frame.fragments = {{10, 20}, {33, jpeg.size() - 20}};
  DicomFrame other = frame;
  other.codec = FrameCodec::kRle;
  other.fragments = {{end, rle.size()}};
  const Whole expected = {1, 2, 3, 100, 200, 4000, 1, 2, 3, 100, 200, 4000};
  CHECK(values<std::int16_t>(series({frame, other})) == expected);
  other.fragments[0].length += 1;
  CHECK(error_of([&] {
          volume_from_frames(series({frame, other}), Task{});
        }) == Contains("BAD_VOLUME b.dcm: its pixel data end early: they go on to byte"));
  frame.fragments[1].length -= 3;
  CHECK(error_of([&] { volume_from_frames(series({frame}), Task{}); }) ==
        Contains("BAD_VOLUME b.dcm: the JPEG data of its pixels end early"));
  frame.path = folder / "none.dcm";
  CHECK(error_of([&] { volume_from_frames(series({frame}), Task{}); }) == Contains("FILE_NOT_FOUND"));
}

TEST_CASE("frames: data that cannot be the image are refused before memory is taken") {
  const Bytes words = bytes_of<std::uint16_t>({1, 2, 3, 4, 5, 6});
  const auto failure = [](const DicomFrames& frames) {
    return error_of([&] { volume_from_frames(frames, Task{}); });
  };
  DicomFrame frame = frame_of(words);
  frame.fragments = {{0, 11}};
  CHECK(failure(series({frame})) == Contains("a.dcm: its pixel data end early: 11 bytes of 12"));
  frame.fragments = {{std::numeric_limits<std::uint64_t>::max(), 12}};
  CHECK(failure(series({frame})) == Contains("end early"));
  frame.fragments = {};
  CHECK(failure(series({frame})) == Contains("end early: 0 bytes of 12"));
  DicomFrames huge = series({frame_of(words)});
  huge.size = {60000, 60000};
  huge.frames[0].codec = FrameCodec::kRle;
  CHECK(failure(huge) == Contains("cannot be the image of 7200000000 bytes"));
  DicomFrames flat = series({frame_of(words)});
  flat.affine = {};
  CHECK(failure(flat) == Contains("BAD_VOLUME"));
  CHECK(error_of([&] { volume_from_frames(series({frame_of(words)}), cancelled_task()); }) ==
        Contains("ABORTED"));
}

}  // namespace
}  // namespace medlsam
