// Guesses a file's kind by its first bytes, for messages about files of the wrong kind.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace medlsam {

// A phrase that completes "it looks like …", such as "a DICOM file"; empty for bytes that show nothing.
// `start`: the beginning of the file, of which 512 bytes suffice.
std::string file_kind(std::span<const std::byte> start);

}  // namespace medlsam
