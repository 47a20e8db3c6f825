// Frames of DICOM's RLE Lossless transfer syntax (PS3.5 annex G): PackBits over planes of bytes.
#pragma once

#include <cstddef>
#include <span>

namespace medlsam {

// Decodes a frame of samples.size() / width samples of `width` bytes (1, 2 or 4), in this machine's byte
// order. Throws kBadVolume (a sentence without the file's name and the full stop) where the header or a
// segment is not that of such a frame, or a segment ends before its plane is full.
void decode_rle(std::span<const std::byte> frame, std::size_t width, std::span<std::byte> samples);

}  // namespace medlsam
