// Volumes from files of every format that is known here: a format is a row of one table.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// What a path names: a file with its bytes, or a folder, in which a format may find a series of files.
struct VolumeSource {
  const std::string& path;
  bool is_folder = false;
  std::span<const std::byte> bytes{};  // the mapped file; empty for a folder
  std::span<const std::byte> start{};  // its first 1024 bytes, inflated where it is compressed with gzip
};

struct VolumeFormat {
  std::string_view name;
  std::vector<std::string_view>
      extensions;  // of file names, the longest first; the content decides, not the name
  // Whether this is a file of the format, be it a damaged one.
  bool (*sniff)(const VolumeSource& source);
  // Throws kReadFailed, kBadVolume (what, where, what to do; beginning with the path), kAborted.
  Volume (*read)(const VolumeSource& source, const Task& task);
};

// All formats, in the order in which they are tried. Each has a fuzz target (native/fuzz).
std::span<const VolumeFormat> volume_formats();

struct ReadOptions {
  // What voxels that are NaN or infinite are read as, in the volume's values (HU for a CT); nothing: they
  // stay.
  std::optional<double> nan{};
};

// Reads the volume at `path` by the first of the formats whose sniff accepts it, and notes in its warnings
// what any volume may have that later steps take no account of. Throws kFileNotFound, kReadFailed, kAborted;
// kBadVolume also for a file of no such format, which is named for what it looks like, and for a singular
// affine; kBadArgument for a `nan` that the stored type cannot hold.
Volume read_volume(const std::string& path, const ReadOptions& options, const Task& task,
                   std::span<const VolumeFormat> formats = volume_formats());

}  // namespace medlsam
