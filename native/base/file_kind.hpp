// What a file looks like by its first bytes, for messages about files of another kind than was asked for.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace medlsam {

// A phrase that completes "it looks like …", such as "a DICOM file"; empty for bytes that show nothing.
// `start` is the beginning of the file: 512 bytes show all that is known here.
std::string file_kind(std::span<const std::byte> start);

}  // namespace medlsam
