#pragma once

#include "base/error.hpp"
#include "testing/nifti_bytes.hpp"
#include "volumes/read.hpp"

namespace medlsam {

// Reads the input as the volume `name`. Beside it lies `other`, a file of the 48 bytes of voxels that it may
// promise.
inline void read_input(const std::string& name, const std::string& other,
                       std::span<const std::uint8_t> input) {
  static const TemporaryFolder folder;
  static const bool saved = (save(folder / other, Bytes(48)), true);
  // A new file each time: ext4 flushes one that is truncated and written again, which takes 6 ms.
  if (saved) std::filesystem::remove(folder / name);
  save(folder / name, std::as_bytes(input));
  try {
    read_volume(folder / name, {}, Task{});
  } catch (const Error&) {
  }
}

}  // namespace medlsam
