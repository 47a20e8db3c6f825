// From the frames of a DICOM series, where they lie in their files, to a volume. Which frames, and what their
// headers say, is lib/dicom's to find out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "volumes/dicom/jpeg_lossless.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

enum class FrameCodec { kNative, kBigEndian, kRle, kJpegLossless };  // kNative: little endian, as it is

// One slice. Values = stored · slope + intercept, where stored are the lowest bits_stored bits of a sample.
struct DicomFrame {
  struct Fragment {
    std::uint64_t offset = 0, length = 0;
  };
  struct Range {
    std::int64_t min = 0, max = 0;  // both included
  };

  std::string name;  // in messages
  FrameCodec codec = FrameCodec::kNative;
  std::string path{};                  // of the file that it lies in; empty: it lies in `bytes`
  std::span<const std::byte> bytes{};  // must outlive the call
  std::vector<Fragment> fragments{};   // of the file or `bytes`; together they are the frame
  unsigned bits_allocated = 16, bits_stored = 16;
  std::optional<Range> padding{};  // stored values that are no image: read as air
  double slope = 1, intercept = 0;
};

struct DicomFrames {
  FrameSize size;          // 1 × 1 at least
  bool is_signed = false;  // two's complement of bits_stored bits
  Affine affine{};
  std::vector<DicomFrame> frames;  // by z
};

// HU of padding.
inline constexpr double kPaddingHu = -1024;

// int16 values with slope 1, if all frames have the same whole slope and intercept and every value fits; else
// float32. Frames are read one by one, so that beyond the volume each thread holds one of them. Memory is
// taken after sizes were held against the data that are there. Reports progress by frame. Throws
// kFileNotFound, kReadFailed, kAborted; kBadVolume ("NAME: …"; for an affine without) for frames that are cut
// off or damaged.
Volume volume_from_frames(const DicomFrames& frames, const Task& task);

}  // namespace medlsam
