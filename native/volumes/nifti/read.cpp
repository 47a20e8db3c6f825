#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "volumes/named.hpp"
#include "volumes/nifti/header.hpp"
#include "volumes/nifti/nifti.hpp"
#include "volumes/voxel_stream.hpp"

namespace medlsam {
namespace {

constexpr double kMaxExtensions = 0x1p24;  // bytes

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kBadVolume, message);
}

std::optional<Deflated> coding_of(std::span<const std::byte> file) {  // by its content: names lie
  return is_gzip(file) ? std::optional(Deflated::kGzip) : std::nullopt;
}

struct NiftiStart {
  HeaderKind kind;
  bool is_pair;  // the voxels lie in another file
};

NiftiStart read_header(VoxelStream& source, std::vector<std::byte>& bytes) {
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
  const bool is_pair = has_magic(layout.pair_magic);
  if (!is_pair && !has_magic(layout.magic)) {
    fail("its magic at byte " + std::to_string(layout.magic_offset) +
         " is not NIfTI's (an ANALYZE file, perhaps); convert it to .nii.gz");
  }
  return {*kind, is_pair};
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

// Bytes before the voxels, of which `least` are known.
double bytes_before(const NiftiHeader& header, std::size_t least) {
  const double offset = header.get(header.layout.vox_offset);
  const double size = offset - static_cast<double>(least);
  if (!(size >= 0) || offset != std::floor(offset)) {
    fail("vox_offset, where the voxels start, is not a whole number of at least " + std::to_string(least) +
         "; correct the header");
  }
  if (size > kMaxExtensions) fail("vox_offset leaves more than 16 MB to header extensions; remove them");
  return size;
}

// Reads the voxels, which `before` bytes of `file` precede; `source` is there already.
void read_values(std::span<const std::byte> file, VoxelStream& source, std::size_t before, bool swapped,
                 Volume& volume, const Task& task) {
  const std::size_t width = dtype_size(volume.dtype);
  const double size = static_cast<double>(volume.voxels()) * static_cast<double>(width);
  const std::size_t swap_width = swapped ? width : 0;
  task.check();
  if (const auto deflated = coding_of(file); deflated && size <= source.at_most()) {
    if (auto voxels = inflate_whole(file, *deflated, before, static_cast<std::size_t>(size))) {
      volume.data = std::move(*voxels);
      swap_values(volume.data, swap_width);
      return;
    }
  }
  volume.data = source.read_bytes(size, "voxels", swap_width);
  source.verify_checksum();
}

// The rest of a pair's header file: extensions, if anything.
std::vector<std::byte> rest_of(VoxelStream& source) {
  constexpr std::size_t kStep = 4096;
  std::vector<std::byte> rest;
  for (std::size_t found = kStep; found == kStep;) {
    const std::size_t start = rest.size();
    if (static_cast<double>(start) > kMaxExtensions) {
      fail("more than 16 MB of header extensions follow the header; remove them");
    }
    rest.resize(start + kStep);
    found = source.read(std::span(rest).subspan(start));
    rest.resize(start + found);
  }
  return rest;
}

// The file with a pair's voxels, NAME.img or NAME.img.gz beside NAME.hdr.
std::shared_ptr<const MappedFile> open_image(const std::string& header) {
  std::filesystem::path stem(header);
  if (stem.extension() == ".gz") stem.replace_extension();
  stem.replace_extension();
  for (const char* ending : {".img", ".img.gz"}) {
    const std::string image = stem.string() + ending;
    std::error_code no_matter;
    if (image != header && std::filesystem::exists(image, no_matter)) return MappedFile::open(image);
  }
  fail("its voxels lie in a separate .img file, but there is no " + stem.string() +
       ".img and no .img.gz; put the two into one folder, or convert them to a single .nii.gz");
}

Volume parse(std::span<const std::byte> file, const std::string& path, const Task& task) {
  if (file.empty()) fail("the file is empty; copy or download it again");
  VoxelStream source(file, coding_of(file), task);
  Volume volume;
  const NiftiStart start = read_header(source, volume.nifti_header);
  const NiftiHeader header{volume.nifti_header, start.kind.layout, start.kind.swapped};
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
  if (start.is_pair) {
    volume.nifti_extensions = rest_of(source);
    const auto image = open_image(path);
    VoxelStream voxels(image->bytes(), coding_of(image->bytes()), task);
    const double before = bytes_before(header, 0);
    voxels.read_bytes(before, "what lies before the voxels", 0);
    read_values(image->bytes(), voxels, static_cast<std::size_t>(before), header.swapped, volume, task);
  } else {
    const double extensions = bytes_before(header, header.layout.size);
    volume.nifti_extensions = source.read_bytes(extensions, "header extensions", 0);
    const std::size_t before = volume.nifti_header.size() + volume.nifti_extensions.size();
    read_values(file, source, before, header.swapped, volume, task);
  }
  return volume;
}

}  // namespace

Volume parse_nifti(std::span<const std::byte> file, const std::string& name, const Task& task) {
  return with_name(name, [&] { return parse(file, name, task); });
}

bool is_nifti(const VolumeSource& source) {
  return recognize_header(source.start).has_value();
}

Volume read_nifti(const VolumeSource& source, const Task& task) {
  return parse_nifti(source.bytes, source.path, task);
}

}  // namespace medlsam
