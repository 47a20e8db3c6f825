#include "volumes/read.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/error.hpp"
#include "base/file_kind.hpp"
#include "base/mapped_file.hpp"
#include "base/parallel.hpp"
#include "volumes/gzip.hpp"
#include "volumes/metaimage/metaimage.hpp"
#include "volumes/nifti/nifti.hpp"
#include "volumes/nrrd/nrrd.hpp"
#include "volumes/orientation.hpp"
#include "volumes/rectified.hpp"

namespace medlsam {
namespace {

constexpr std::size_t kStart = 1024;
// Over the 500 mm of a scan, half a degree is 4 mm, a voxel of the localization grid.
constexpr double kMostShear = 0.5;  // degrees

[[noreturn]] void fail(const std::string& path, const std::string& message) {
  throw Error(ErrorCode::kBadVolume, path + ": " + message + ".");
}

std::vector<std::byte> start_of(std::span<const std::byte> file, const std::string& path, const Task& task) {
  std::vector<std::byte> start(kStart);
  if (!is_gzip(file)) return {file.begin(), file.begin() + std::min(file.size(), kStart)};
  try {
    start.resize(GzipReader(file, task).read(start));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kBadVolume) throw;
    fail(path, error.what());
  }
  return start;
}

std::string readable(std::span<const VolumeFormat> formats) {
  std::string text;
  for (const VolumeFormat& format : formats) {
    text += (text.empty() ? "" : ", ") + std::string(format.name) + " (";
    for (std::size_t i = 0; i < format.extensions.size(); ++i) {
      text += (i == 0 ? "" : ", ") + std::string(format.extensions[i]);
    }
    text += ')';
  }
  return text;
}

[[noreturn]] void refuse(const VolumeSource& source, std::span<const VolumeFormat> formats) {
  if (source.is_folder) {
    throw Error(ErrorCode::kReadFailed, source.path + ": is a folder, not a volume. Name a file: " +
                                            readable(formats) + " can be read.");
  }
  if (source.bytes.empty()) fail(source.path, "the file is empty; copy or download it again");
  std::string kind = file_kind(source.start);
  if (is_gzip(source.bytes)) kind = (kind.empty() ? "unknown data" : kind) + ", compressed with gzip";
  fail(source.path, "it is not a volume of a known format" + (kind.empty() ? "" : ": it looks like " + kind) +
                        ". Convert it; " + readable(formats) + " can be read");
}

const VolumeFormat& format_of(const VolumeSource& source, std::span<const VolumeFormat> formats) {
  for (const VolumeFormat& format : formats) {
    if (format.sniff(source)) return format;
  }
  refuse(source, formats);
}

void warn_of_shear(Volume& volume) {
  const double degrees = shear_degrees(volume.affine);
  if (degrees <= kMostShear) return;
  char number[32];
  std::snprintf(number, sizeof number, "%.1f", degrees);
  const bool tilted = rectification_of(volume, kMostTilt).has_value();
  volume.warnings.push_back(std::string("the scan's axes are not perpendicular but sheared by ") + number +
                            " degrees (a tilted gantry?). Organs are looked for " +
                            (tilted ? "with the slices shifted upright" : "as if they were perpendicular") +
                            "; places in mm and masks keep the scan's own geometry");
}

template <class T>
void replace_nan(Volume& volume, double value, const Task& task) {
  const T stored = static_cast<T>((value - volume.intercept) / volume.slope);
  if (!std::isfinite(stored)) {
    throw Error(ErrorCode::kBadArgument,
                "NaN cannot be read as " + std::to_string(value) +
                    ": the scan's type of values does not hold it. Air is -1000 HU.");
  }
  constexpr std::size_t kStep = std::size_t{1} << 20;
  const std::span<T> values(reinterpret_cast<T*>(volume.data.data()), volume.voxels());
  parallel_for(task, (values.size() + kStep - 1) / kStep, [&](std::size_t step, std::size_t) {
    const std::size_t end = std::min(values.size(), (step + 1) * kStep);
    for (std::size_t i = step * kStep; i < end; ++i) {
      if (!std::isfinite(values[i])) values[i] = stored;
    }
  });
}

}  // namespace

std::span<const VolumeFormat> volume_formats() {
  static const VolumeFormat formats[] = {
      {"NIfTI", {".nii.gz", ".nii", ".hdr.gz", ".hdr"}, is_nifti, read_nifti},
      {"NRRD", {".nrrd", ".nhdr"}, is_nrrd, read_nrrd},
      {"MetaImage", {".mha", ".mhd"}, is_metaimage, read_metaimage},
  };
  return formats;
}

Volume read_volume(const std::string& path, const ReadOptions& options, const Task& task,
                   std::span<const VolumeFormat> formats) {
  VolumeSource source{path};
  std::error_code no_matter;
  source.is_folder = std::filesystem::is_directory(path, no_matter);
  std::shared_ptr<const MappedFile> file;
  std::vector<std::byte> start;
  if (!source.is_folder) {
    file = MappedFile::open(path);
    source.bytes = file->bytes();
    start = start_of(source.bytes, path, task);
    source.start = start;
  }
  Volume volume = format_of(source, formats).read(source, task);
  try {
    las_orientation(volume.affine);
  } catch (const Error& error) {
    throw Error(error.code(), path + ": " + error.what());
  }
  warn_of_shear(volume);
  if (options.nan && volume.dtype == DType::kF32) replace_nan<float>(volume, *options.nan, task);
  if (options.nan && volume.dtype == DType::kF64) replace_nan<double>(volume, *options.nan, task);
  return volume;
}

}  // namespace medlsam
