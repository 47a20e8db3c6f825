// Reads volumes from files of any known format. Formats are the rows of one table.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// A file with its bytes, or a folder, in which a format may find a series of files.
struct VolumeSource {
  const std::string& path;
  bool is_folder = false;
  std::span<const std::byte> bytes{};  // the mapped file; empty for a folder
  std::span<const std::byte> start{};  // its first 1024 bytes, inflated where it is compressed with gzip
};

struct VolumeFormat {
  std::string_view name;
  std::vector<std::string_view>
      extensions;  // of file names, the longest first; not the name but the content decides
  // Whether this is a file of the format, possibly a damaged one.
  bool (*sniff)(const VolumeSource& source);
  // Throws kReadFailed, kBadVolume (what, where, what to do; beginning with the path), kAborted.
  Volume (*read)(const VolumeSource& source, const Task& task);
};

// All formats, in the order in which they are tried. Each has a fuzz target (native/fuzz).
std::span<const VolumeFormat> volume_formats();

struct ReadOptions {
  // Replaces voxels that are NaN or infinite, in the volume's values (HU for a CT); nullopt: they stay.
  std::optional<double> nan{};
};

// Reads the volume at `path` by the first format whose sniff() accepts it, and adds a warning for properties
// that later steps do not take into account. Throws kFileNotFound, kReadFailed, kAborted; kBadVolume also for
// a file of no known format, with a guess at its kind, and for a singular affine; kBadArgument for a `nan`
// that the stored type cannot hold.
Volume read_volume(const std::string& path, const ReadOptions& options, const Task& task,
                   std::span<const VolumeFormat> formats = volume_formats());

}  // namespace medlsam
