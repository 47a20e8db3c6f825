#include "dicom_masks/frames.hpp"

#include <algorithm>
#include <limits>

#include "base/parallel.hpp"

namespace medlsam {
namespace {

bool any(std::span<const std::uint8_t> pixels) {
  return std::any_of(pixels.begin(), pixels.end(), [](std::uint8_t pixel) { return pixel != 0; });
}

// Eight bytes of 0 or 1 as the bits of one, the first in the lowest.
unsigned packed(const std::uint8_t* pixels) {
  unsigned bits = 0;
  for (unsigned i = 0; i < 8; ++i) bits |= static_cast<unsigned>(pixels[i]) << i;
  return bits;
}

}  // namespace

void BitStream::append(std::span<const std::uint8_t> pixels) {
  bytes_.reserve(bytes_.size() + pixels.size() / 8 + 2);
  std::size_t i = 0;
  for (; i + 8 <= pixels.size(); i += 8) {
    pending_ |= packed(pixels.data() + i) << count_;
    bytes_.push_back(static_cast<std::byte>(pending_ & 255u));
    pending_ >>= 8;
  }
  for (; i < pixels.size(); ++i) {
    pending_ |= static_cast<unsigned>(pixels[i]) << count_;
    if (++count_ < 8) continue;
    bytes_.push_back(static_cast<std::byte>(pending_ & 255u));
    pending_ >>= 8;
    count_ = 0;
  }
}

std::vector<std::byte> BitStream::finish() {
  if (count_ > 0) bytes_.push_back(static_cast<std::byte>(pending_));
  if (bytes_.size() % 2 != 0) bytes_.push_back(std::byte{0});
  return std::move(bytes_);
}

OrganFrameWriter::OrganFrameWriter(const PlaneStack& stack) : stack_(stack), taken_(stack.first.size()) {}

void OrganFrameWriter::add(std::int32_t organ, std::span<const std::uint8_t> voxels, const Task& task) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(stack_.pixels()));
  for (std::size_t plane = 0; plane < stack_.first.size(); ++plane) {
    task.check();
    stack_.gather<std::uint8_t>(voxels, plane, pixels);
    if (!any(pixels)) continue;
    frames_.organs.push_back(organ);
    frames_.planes.push_back(static_cast<std::int32_t>(plane));
    bits_.append(pixels);
    auto& taken = taken_[plane];
    if (taken.empty()) {
      taken = pixels;
      continue;
    }
    unsigned both = 0;
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      both |= static_cast<unsigned>(taken[i] & pixels[i]);
      taken[i] |= pixels[i];
    }
    frames_.overlap |= both != 0;
  }
}

OrganFrames OrganFrameWriter::finish() {
  frames_.bits = bits_.finish();
  return std::move(frames_);
}

template <class Label>
LabelFrames label_frames(const PlaneStack& stack, std::span<const Label> voxels, const Task& task) {
  std::vector<std::vector<Label>> frames(stack.first.size());
  parallel_for(task, frames.size(), [&](std::size_t plane, std::size_t) {
    std::vector<Label> pixels(static_cast<std::size_t>(stack.pixels()));
    stack.gather<Label>(voxels, plane, pixels);
    if (std::any_of(pixels.begin(), pixels.end(), [](Label label) { return label != 0; }))
      frames[plane] = std::move(pixels);
  });
  LabelFrames found;
  std::vector<bool> seen(std::size_t{std::numeric_limits<Label>::max()} + 1);
  for (std::size_t plane = 0; plane < frames.size(); ++plane) {
    if (frames[plane].empty()) continue;
    found.planes.push_back(static_cast<std::int32_t>(plane));
    for (const Label label : frames[plane]) seen[label] = true;
    const auto bytes = std::as_bytes(std::span(frames[plane]));
    found.pixels.insert(found.pixels.end(), bytes.begin(), bytes.end());
    frames[plane] = {};
  }
  if (found.pixels.size() % 2 != 0) found.pixels.push_back(std::byte{0});
  for (std::size_t label = 1; label < seen.size(); ++label)
    if (seen[label]) found.labels.push_back(static_cast<std::int32_t>(label));
  return found;
}

template LabelFrames label_frames(const PlaneStack&, std::span<const std::uint8_t>, const Task&);
template LabelFrames label_frames(const PlaneStack&, std::span<const std::uint16_t>, const Task&);

}  // namespace medlsam
