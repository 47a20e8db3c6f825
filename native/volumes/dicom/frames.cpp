#include "volumes/dicom/frames.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "base/parallel.hpp"
#include "volumes/dicom/rle.hpp"
#include "volumes/named.hpp"
#include "volumes/orientation.hpp"

namespace medlsam {
namespace {

// JPEG lossless needs a bit a sample, RLE two bytes for 128; anything that promises more lies.
constexpr std::uint64_t kMostRatio = 100'000;

[[noreturn]] void fail_cut_off(const std::string& found_and_wanted) {
  throw Error(ErrorCode::kBadVolume,
              "its pixel data end early: " + found_and_wanted + ". Copy or download the file again");
}

bool is_plain(FrameCodec codec) {
  return codec == FrameCodec::kNative || codec == FrameCodec::kBigEndian;
}

std::size_t frame_bytes(const DicomFrames& all, const DicomFrame& frame) {
  return all.size.rows * all.size.columns * (frame.bits_allocated / 8);
}

// Holds a frame's parts against the `size` bytes of its file, and its size against the parts.
void check_frame(const DicomFrames& all, const DicomFrame& frame, std::uint64_t size) {
  std::uint64_t found = 0;
  for (const auto& [offset, length] : frame.fragments) {
    if (offset > size || length > size - offset) {
      fail_cut_off("they go on to byte " + std::to_string(offset + length) + " of a file of " +
                   std::to_string(size));
    }
    found += length;
  }
  const std::uint64_t wanted = frame_bytes(all, frame);
  if (is_plain(frame.codec) && found < wanted) {
    fail_cut_off(std::to_string(found) + " bytes of " + std::to_string(wanted));
  }
  if (found < wanted / kMostRatio) {
    throw Error(ErrorCode::kBadVolume, "its " + std::to_string(found) +
                                           " bytes of pixel data cannot be the image of " +
                                           std::to_string(wanted) + " bytes that its header promises");
  }
}

void check_frames(const DicomFrames& all, const Task& task) {
  const std::string* last = nullptr;  // the frames of a file follow each other
  std::uint64_t size = 0;
  for (const DicomFrame& frame : all.frames) {
    task.check();
    if (frame.path.empty()) {
      size = frame.bytes.size();
    } else if (last == nullptr || *last != frame.path) {
      size = MappedFile::open(frame.path)->bytes().size();
    }
    last = frame.path.empty() ? nullptr : &frame.path;
    with_name(frame.name, [&] { check_frame(all, frame, size); });
  }
}

// The memory of a thread that reads frames.
struct FrameReader {
  std::shared_ptr<const MappedFile> file;
  std::vector<std::byte> joined, samples;

  // A frame's samples, which bits_allocated and codec describe; big-endian ones as they are.
  std::span<const std::byte> read(const DicomFrames& all, const DicomFrame& frame) {
    file.reset();
    if (!frame.path.empty()) file = MappedFile::open(frame.path);
    const auto whole = file ? file->bytes() : frame.bytes;
    check_frame(all, frame, whole.size());  // once more: the file may have changed
    const auto data = join(whole, frame.fragments);
    if (is_plain(frame.codec)) return data.first(frame_bytes(all, frame));
    samples.resize(frame_bytes(all, frame));
    if (frame.codec == FrameCodec::kRle) {
      decode_rle(data, frame.bits_allocated / 8, samples);
    } else {
      decode_jpeg_lossless(data, all.size, frame.bits_allocated / 8, samples);
    }
    return samples;
  }

 private:
  std::span<const std::byte> join(std::span<const std::byte> whole,
                                  std::span<const DicomFrame::Fragment> fragments) {
    const auto part = [&](const DicomFrame::Fragment& at) { return whole.subspan(at.offset, at.length); };
    if (fragments.size() == 1) return part(fragments[0]);
    joined.clear();
    for (const auto& fragment : fragments) {
      const auto bytes = part(fragment);
      joined.insert(joined.end(), bytes.begin(), bytes.end());
    }
    return joined;
  }
};

template <class T>
T swapped(T value) {
  auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  std::ranges::reverse(bytes);
  return std::bit_cast<T>(bytes);
}

bool is_swapped(FrameCodec codec) {
  return codec == (std::endian::native == std::endian::little ? FrameCodec::kBigEndian : FrameCodec::kNative);
}

// Values of samples, in Number's arithmetic. False if one does not fit Value: it is moved into Value's range.
template <class Sample, class Value, class Number>
bool convert(std::span<const std::byte> samples, const DicomFrame& frame, bool is_signed, Value* values) {
  using Stored = std::conditional_t<sizeof(Sample) < 4, std::int32_t, std::int64_t>;
  using Bits = std::make_unsigned_t<Stored>;
  using StoredLimits = std::numeric_limits<Stored>;
  const bool swap = is_swapped(frame.codec);
  const unsigned spare = 8 * sizeof(Stored) - frame.bits_stored;  // bits above the stored ones
  const auto slope = static_cast<Number>(frame.slope), intercept = static_cast<Number>(frame.intercept);
  const auto padding = frame.padding.value_or(DicomFrame::Range{1, 0});  // an empty range
  const auto pad_min = static_cast<Stored>(std::max<std::int64_t>(padding.min, StoredLimits::min()));
  const auto pad_max = static_cast<Stored>(std::min<std::int64_t>(padding.max, StoredLimits::max()));
  bool fits = true;
  for (std::size_t i = 0; i < samples.size() / sizeof(Sample); ++i) {
    Sample sample;
    std::memcpy(&sample, samples.data() + i * sizeof(Sample), sizeof(Sample));
    if (swap) sample = swapped(sample);
    const Bits top = static_cast<Bits>(sample) << spare;
    const Stored stored = is_signed ? static_cast<Stored>(top) >> spare : static_cast<Stored>(top >> spare);
    Number value = static_cast<Number>(stored) * slope + intercept;
    if (stored >= pad_min && stored <= pad_max) value = static_cast<Number>(kPaddingHu);
    if constexpr (std::is_integral_v<Value>) {
      const Number inside =
          std::clamp<Number>(value, std::numeric_limits<Value>::min(), std::numeric_limits<Value>::max());
      fits &= inside == value;
      value = inside;
    }
    values[i] = static_cast<Value>(value);
  }
  return fits;
}

// Whether slope and intercept are whole, and int32 holds whatever they make of a sample of 16 bits.
bool is_whole_and_small(const DicomFrame& frame) {
  return frame.bits_allocated <= 16 && std::abs(frame.slope) * 0x1p16 + std::abs(frame.intercept) < 0x1p31;
}

template <class Value>
bool convert_frame(std::span<const std::byte> samples, const DicomFrame& frame, bool is_signed,
                   Value* values) {
  const auto with = [&]<class Number>(Number) {
    if (frame.bits_allocated == 8)
      return convert<std::uint8_t, Value, Number>(samples, frame, is_signed, values);
    if (frame.bits_allocated == 16)
      return convert<std::uint16_t, Value, Number>(samples, frame, is_signed, values);
    return convert<std::uint32_t, Value, Number>(samples, frame, is_signed, values);
  };
  if constexpr (std::is_integral_v<Value>) {
    if (is_whole_and_small(frame)) return with(std::int32_t{});
  }
  return with(double{});
}

// Reads every frame into its place. False as soon as a value does not fit Value.
template <class Value>
bool fill(const DicomFrames& all, Volume& volume, const Task& task) {
  const std::size_t pixels = all.size.rows * all.size.columns;
  volume.data = {};
  volume.data.resize(pixels * all.frames.size() * sizeof(Value));
  auto* values = reinterpret_cast<Value*>(volume.data.data());
  std::vector<FrameReader> readers(std::max(1U, task.threads));
  std::atomic<std::size_t> done{0};
  std::atomic<bool> fits{true};
  parallel_for(task, all.frames.size(), [&](std::size_t z, std::size_t worker) {
    if (!fits.load(std::memory_order_relaxed)) return;
    const DicomFrame& frame = all.frames[z];
    with_name(frame.name, [&] {
      if (!convert_frame(readers[worker].read(all, frame), frame, all.is_signed, values + z * pixels))
        fits = false;
    });
    const std::size_t now = ++done;
    if (worker == 0 && now < all.frames.size()) task.report(now, all.frames.size());
  });
  return fits;
}

// Whether values can be whole numbers with one meaning in all frames.
bool is_whole(std::span<const DicomFrame> frames) {
  const double slope = frames[0].slope, intercept = frames[0].intercept;
  return slope == std::floor(slope) && intercept == std::floor(intercept) &&
         std::ranges::all_of(frames, [&](const DicomFrame& frame) {
           return frame.slope == slope && frame.intercept == intercept;
         });
}

}  // namespace

Volume volume_from_frames(const DicomFrames& all, const Task& task) {
  Volume volume;
  las_orientation(all.affine);
  volume.affine = all.affine;
  volume.shape = {static_cast<std::int64_t>(all.frames.size()), static_cast<std::int64_t>(all.size.rows),
                  static_cast<std::int64_t>(all.size.columns)};
  check_frames(all, task);
  volume.dtype = DType::kI16;
  if (!is_whole(all.frames) || !fill<std::int16_t>(all, volume, task)) {
    volume.dtype = DType::kF32;
    fill<float>(all, volume, task);
  }
  task.report(all.frames.size(), all.frames.size());
  return volume;
}

}  // namespace medlsam
