#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "volumes/gzip.hpp"
#include "volumes/nifti/header.hpp"
#include "volumes/nifti/nifti.hpp"

namespace medlsam {
namespace {

constexpr std::size_t kStep = std::size_t{1} << 22;         // written between checks for cancellation
constexpr std::size_t kMaxLabelXml = std::size_t{1} << 23;  // the reader's limit on extensions is twice this
constexpr std::int64_t kMaxNifti1Length = 32767;
constexpr std::size_t kMaxDescription = 79;  // and a zero

[[noreturn]] void refuse(const std::string& path, const std::string& message) {
  throw Error(ErrorCode::kBadArgument, path + ": " + message + ".");
}

void check_arguments(const std::string& path, const Volume& geometry, const NiftiOutput& output) {
  if (!path.ends_with(".nii") && !path.ends_with(".nii.gz"))
    refuse(path, "its name must end in .nii or .nii.gz");
  if (output.shape != geometry.shape) {
    refuse(path, "the output's shape " + shape_text(output.shape) + " is not the geometry's " +
                     shape_text(geometry.shape));
  }
  if (!nifti_datatype(output.dtype)) {
    refuse(path, std::string("NIfTI has no datatype for ") + dtype_name(output.dtype));
  }
  if (output.data.size() != geometry.voxels() * dtype_size(output.dtype)) {
    refuse(path, "the data are " + std::to_string(output.data.size()) + " bytes for shape " +
                     shape_text(output.shape) + " of " + dtype_name(output.dtype));
  }
  if (output.label_xml.size() > kMaxLabelXml) refuse(path, "the label names take more than 8 MB");
}

void copy_geometry(const NiftiHeader& from, std::span<std::byte> header) {
  const HeaderLayout& at = from.layout;
  copy_field(from, at.pixdim, 8, header);
  copy_field(from, at.xyzt_units, 1, header);
  copy_field(from, at.qform_code, 1, header);
  copy_field(from, at.sform_code, 1, header);
  copy_field(from, at.quatern, 6, header);
  copy_field(from, at.srow, 12, header);
}

// For a volume that came from no file: its affine as the scanner's sform.
void set_geometry(const Affine& affine, const HeaderLayout& at, std::span<std::byte> header) {
  const auto [z, y, x] = spacing(affine);
  const double pixdim[] = {1, x, y, z};
  for (std::size_t i = 0; i < 4; ++i) set_field(header, at.pixdim, i, pixdim[i]);
  for (std::size_t i = 0; i < 12; ++i) set_field(header, at.srow, i, affine[i]);
  set_field(header, at.sform_code, 0, 1);
  set_field(header, at.xyzt_units, 0, 2);  // mm
}

const HeaderLayout& layout_for(const Volume& geometry, std::optional<HeaderKind> kind) {
  if (kind) return kind->layout;
  return std::ranges::max(geometry.shape) > kMaxNifti1Length ? kNifti2 : kNifti1;
}

// Bytes of the extension that holds the label names: two numbers, the text, zeros up to a multiple of 16.
std::size_t extension_size(const std::string& label_xml) {
  return label_xml.empty() ? 0 : (8 + label_xml.size() + 15) / 16 * 16;
}

// As much of the text as the header has room for, no character of it cut in two.
std::string_view shortened(std::string_view text) {
  if (text.size() <= kMaxDescription) return text;
  std::size_t size = kMaxDescription;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

// Everything before the voxels: header, extension flag, extension.
std::vector<std::byte> file_start(const Volume& geometry, const NiftiOutput& output) {
  const auto kind = recognize_header(geometry.nifti_header);
  const HeaderLayout& at = layout_for(geometry, kind);
  const std::size_t extension = extension_size(output.label_xml), offset = at.size + 4 + extension;
  std::vector<std::byte> start(offset);
  const auto set = [&](const HeaderField& field, double value) { set_field(start, field, 0, value); };

  set({0, DType::kI32}, static_cast<double>(at.size));
  std::memcpy(start.data() + at.magic_offset, at.magic.data(), at.magic.size());
  const auto [z, y, x] = output.shape;
  const std::int64_t dim[] = {3, x, y, z, 1, 1, 1, 1};
  for (std::size_t i = 0; i < 8; ++i) set_field(start, at.dim, i, static_cast<double>(dim[i]));
  set(at.datatype, *nifti_datatype(output.dtype));
  set(at.bitpix, static_cast<double>(8 * dtype_size(output.dtype)));
  set(at.vox_offset, static_cast<double>(offset));
  set(at.scl_slope, output.slope);
  set(at.scl_inter, output.intercept);
  const std::string_view description = shortened(output.description);
  std::memcpy(start.data() + at.descrip_offset, description.data(), description.size());
  if (kind) {
    copy_geometry({geometry.nifti_header, kind->layout, kind->swapped}, start);
  } else {
    set_geometry(geometry.affine, at, start);
  }
  if (extension > 0) {
    start[at.size] = std::byte{1};
    set({at.size + 4, DType::kI32},
        static_cast<double>(extension));  // its code, 0 ("ignore"), is there already
    std::memcpy(start.data() + at.size + 12, output.label_xml.data(), output.label_xml.size());
  }
  return start;
}

void write_plain(AtomicFile& file, std::span<const std::byte> bytes, const Task& task) {
  while (!bytes.empty()) {
    task.check();
    const auto step = bytes.first(std::min(kStep, bytes.size()));
    file.write(step);
    bytes = bytes.subspan(step.size());
  }
}

}  // namespace

void write_nifti(const std::string& path, const Volume& geometry, const NiftiOutput& output,
                 const Task& task) {
  check_arguments(path, geometry, output);
  const std::vector<std::byte> start = file_start(geometry, output);
  AtomicFile file(path);
  if (path.ends_with(".gz")) {
    write_gzip(file, start, output.data, task);
  } else {
    write_plain(file, start, task);
    write_plain(file, output.data, task);
  }
  task.check();
  file.commit();
}

}  // namespace medlsam
