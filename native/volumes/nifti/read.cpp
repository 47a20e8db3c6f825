#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <optional>

#include "base/error.hpp"
#include "volumes/gzip.hpp"
#include "volumes/nifti/header.hpp"
#include "volumes/nifti/nifti.hpp"

namespace medlsam {
namespace {

constexpr std::size_t kStep = std::size_t{1} << 20;  // memory grows by this
constexpr double kMaxExtensions = 0x1p24;            // bytes

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kBadVolume, message);
}

// The bytes of a file from first to last, inflated where its content says gzip (names lie).
class Source {
 public:
  Source(std::span<const std::byte> file, const Task& task) : plain_(file), task_(task) {
    if (is_gzip(file)) gzip_.emplace(file, task);
  }

  // Fills `out` and returns its size, or less at the end.
  std::size_t read(std::span<std::byte> out) {
    if (gzip_) return gzip_->read(out);
    task_.check();
    const std::size_t count = std::min(out.size(), plain_.size());
    std::ranges::copy(plain_.first(count), out.begin());
    plain_ = plain_.subspan(count);
    return count;
  }

  // Goes on to the gzip data's end, where the checksum is: damage can also lengthen the data. But what lies
  // there is not needed and may never end: a megabyte is enough.
  void verify_checksum() {
    std::array<std::byte, 16384> surplus;
    for (int i = 0; gzip_ && i < 64 && gzip_->read(surplus) == surplus.size(); ++i) {
    }
  }

  // More bytes than this cannot follow.
  double at_most() const { return static_cast<double>(plain_.size()) * (gzip_ ? kMaxInflation : 1); }

 private:
  std::span<const std::byte> plain_;
  const Task& task_;
  std::optional<GzipReader> gzip_;
};

template <std::size_t kWidth>
void swap_words(std::span<std::byte> bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += kWidth) {
    std::reverse(bytes.data() + at, bytes.data() + at + kWidth);
  }
}

void swap_values(std::span<std::byte> bytes, std::size_t width) {
  if (width == 2) swap_words<2>(bytes);
  if (width == 4) swap_words<4>(bytes);
  if (width == 8) swap_words<8>(bytes);
}

// Reads `size` bytes. Address space is reserved at once, but pages are only taken as bytes arrive. Swaps the
// bytes of each value of `swap_width`, where that is above 1.
std::vector<std::byte> read_bytes(Source& source, double size, const char* what, std::size_t swap_width) {
  const auto cut_off = [&](double found) {
    fail("it is cut off: the header promises " + std::to_string(static_cast<std::uint64_t>(size)) +
         " bytes of " + what + ", but the file holds at most " +
         std::to_string(static_cast<std::uint64_t>(found)) + "; copy or download it again");
  };
  if (size > source.at_most()) cut_off(source.at_most());
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
    const std::size_t found = source.read(step);
    if (found < step.size()) cut_off(static_cast<double>(start + found));
    swap_values(step, swap_width);
  }
  return bytes;
}

HeaderKind read_header(Source& source, std::vector<std::byte>& bytes) {
  const auto extend = [&](std::size_t size) {
    const std::size_t start = bytes.size();
    bytes.resize(size);
    return start + source.read(std::span(bytes).subspan(start)) == size;
  };
  const bool long_enough = extend(sizeof(std::int32_t));
  const auto kind = recognize_header(bytes);
  if (!kind || !long_enough) {
    fail(
        "it is not a NIfTI file (gzipped or not): it does not start with a header size of 348 or 540; "
        "convert it to .nii.gz");
  }
  const HeaderLayout& layout = kind->layout;
  if (!extend(layout.size))
    fail("it is cut off within the header of " + std::to_string(layout.size) + " bytes");
  const auto has_magic = [&](std::string_view magic) {
    return std::ranges::equal(magic, std::span(bytes).subspan(layout.magic_offset, magic.size()),
                              [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
  };
  if (has_magic(layout.pair_magic)) {
    fail("its voxels lie in a separate .img file; convert the pair to a single .nii.gz");
  }
  if (!has_magic(layout.magic)) {
    fail("its magic at byte " + std::to_string(layout.magic_offset) +
         " is not NIfTI's (an ANALYZE file, perhaps); convert it to .nii.gz");
  }
  return *kind;
}

DType header_dtype(const NiftiHeader& header) {
  const int datatype = static_cast<int>(header.get(header.layout.datatype));
  if (datatype == 128 || datatype == 2304) fail("it is a colour image (RGB); a CT or label volume is needed");
  const auto dtype = dtype_of_nifti(datatype);
  if (!dtype) {
    fail("its datatype " + std::to_string(datatype) +
         " is not read; convert it to integers or floats of at most 64 bits");
  }
  return *dtype;
}

// Slope and intercept; a slope of 0 or none means that the stored values are the values.
void read_scaling(const NiftiHeader& header, Volume& volume) {
  const double slope = header.get(header.layout.scl_slope), intercept = header.get(header.layout.scl_inter);
  if (slope == 0 || !std::isfinite(slope)) return;
  if (!std::isfinite(intercept)) fail("scl_inter is not a finite number; correct the header");
  volume.slope = slope;
  volume.intercept = intercept;
}

double extensions_size(const NiftiHeader& header) {
  const double offset = header.get(header.layout.vox_offset);
  const double size = offset - static_cast<double>(header.layout.size);
  if (!(size >= 0) || offset != std::floor(offset)) {
    fail("vox_offset, where the voxels start, is not a whole number of at least " +
         std::to_string(header.layout.size) + "; correct the header");
  }
  if (size > kMaxExtensions) fail("vox_offset leaves more than 16 MB to header extensions; remove them");
  return size;
}

Volume parse(std::span<const std::byte> file, const Task& task) {
  if (file.empty()) fail("the file is empty; copy or download it again");
  Source source(file, task);
  Volume volume;
  const HeaderKind kind = read_header(source, volume.nifti_header);
  const NiftiHeader header{volume.nifti_header, kind.layout, kind.swapped};
  volume.shape = header_shape(header);
  volume.dtype = header_dtype(header);
  volume.affine = header_affine(header, volume.shape);
  if (!has_orientation(header)) {
    volume.warnings.push_back(
        "the header gives no orientation (sform_code and qform_code are 0): the first axis is taken to run "
        "to the "
        "patient's left, the second to the front, the third to the head. Left and right may be exchanged");
  }
  read_scaling(header, volume);
  volume.nifti_extensions = read_bytes(source, extensions_size(header), "header extensions", 0);
  const std::size_t width = dtype_size(volume.dtype);
  const double size = static_cast<double>(volume.voxels()) * static_cast<double>(width);
  const std::size_t swap_width = header.swapped ? width : 0;
  const std::size_t before = volume.nifti_header.size() + volume.nifti_extensions.size();
  task.check();
  if (size <= source.at_most()) {
    if (auto voxels = inflate_whole(file, before, static_cast<std::size_t>(size))) {
      volume.data = std::move(*voxels);
      swap_values(volume.data, swap_width);
      return volume;
    }
  }
  volume.data = read_bytes(source, size, "voxels", swap_width);
  source.verify_checksum();
  return volume;
}

}  // namespace

Volume parse_nifti(std::span<const std::byte> file, const std::string& name, const Task& task) {
  try {
    return parse(file, task);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kBadVolume) throw;
    throw Error(ErrorCode::kBadVolume, name + ": " + error.what() + ".");
  }
}

bool is_nifti(const VolumeSource& source) {
  return recognize_header(source.start).has_value();
}

Volume read_nifti(const VolumeSource& source, const Task& task) {
  return parse_nifti(source.bytes, source.path, task);
}

}  // namespace medlsam
