#include "volumes/voxel_stream.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <string>

#include "base/error.hpp"

namespace medlsam {
namespace {

constexpr std::size_t kStep = std::size_t{1} << 20;  // memory grows by this

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kBadVolume, message);
}

std::string whole(double size) {
  return std::to_string(static_cast<std::uint64_t>(size));
}

template <std::size_t kWidth>
void swap_words(std::span<std::byte> bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += kWidth) {
    std::reverse(bytes.data() + at, bytes.data() + at + kWidth);
  }
}

[[noreturn]] void fail_longer(double size) {
  fail("its data go on after the " + whole(size) +
       " bytes of voxels that the header promises: header and data are not of one volume, or damaged");
}

}  // namespace

void swap_values(std::span<std::byte> bytes, std::size_t width) {
  if (width == 2) swap_words<2>(bytes);
  if (width == 4) swap_words<4>(bytes);
  if (width == 8) swap_words<8>(bytes);
}

VoxelStream::VoxelStream(std::span<const std::byte> file, std::optional<Deflated> deflated, const Task& task)
    : plain_(file), task_(task) {
  if (deflated) inflater_.emplace(file, task, *deflated);
}

std::size_t VoxelStream::read(std::span<std::byte> out) {
  if (inflater_) return inflater_->read(out);
  task_.check();
  const std::size_t count = std::min(out.size(), plain_.size());
  std::ranges::copy(plain_.first(count), out.begin());
  plain_ = plain_.subspan(count);
  return count;
}

std::vector<std::byte> VoxelStream::read_bytes(double size, const char* what, std::size_t swap_width) {
  const auto cut_off = [&](double found) {
    fail("it is cut off: the header promises " + whole(size) + " bytes of " + what +
         ", but the file holds at most " + whole(found) + "; copy or download it again");
  };
  if (size > at_most()) cut_off(at_most());
  const auto bytes_needed = static_cast<std::size_t>(size);
  std::vector<std::byte> bytes;
  try {
    bytes.reserve(bytes_needed);
  } catch (const std::bad_alloc&) {
    fail("there is no memory for the " + std::to_string(bytes_needed) + " bytes of " + what +
         " that its header promises");
  }
  while (bytes.size() < bytes_needed) {
    const std::size_t start = bytes.size();
    bytes.resize(start + std::min(kStep, bytes_needed - start));
    const auto step = std::span(bytes).subspan(start);
    const std::size_t found = read(step);
    if (found < step.size()) cut_off(static_cast<double>(start + found));
    swap_values(step, swap_width);
  }
  return bytes;
}

void VoxelStream::verify_checksum() {
  std::array<std::byte, 16384> surplus;
  for (int i = 0; inflater_ && i < 64 && inflater_->read(surplus) == surplus.size(); ++i) {
  }
}

void read_voxels(const VoxelData& from, Volume& volume, const Task& task) {
  const std::size_t width = dtype_size(volume.dtype), swap_width = from.swapped ? width : 0;
  const double size = static_cast<double>(volume.voxels()) * static_cast<double>(width);
  const auto [bytes, deflated, skip, _] = from;
  VoxelStream stream(bytes, deflated, task);
  if (!deflated && static_cast<double>(bytes.size()) > static_cast<double>(skip) + size) fail_longer(size);
  if (deflated && size <= stream.at_most()) {
    if (auto voxels = inflate_whole(bytes, *deflated, skip, static_cast<std::size_t>(size))) {
      volume.data = std::move(*voxels);
      swap_values(volume.data, swap_width);
      return;
    }
  }
  stream.read_bytes(static_cast<double>(skip), "what lies before its voxels", 0);
  volume.data = stream.read_bytes(size, "voxels", swap_width);
  std::byte more;
  if (stream.read({&more, 1}) > 0) fail_longer(size);
}

}  // namespace medlsam
