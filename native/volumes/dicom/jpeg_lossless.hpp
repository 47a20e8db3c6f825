// Frames of DICOM's JPEG lossless transfer syntaxes (PS3.5 8.2.1): ITU-T T.81's process 14, with any
// predictor.
#pragma once

#include <cstddef>
#include <span>

namespace medlsam {

struct FrameSize {
  std::size_t rows = 0, columns = 0;
};

// Decodes a code stream of one component with 2 to 16 bits a sample into size.rows · size.columns samples of
// `width` bytes (1, 2 or 4), in this machine's byte order. Throws kBadVolume (a sentence without the file's
// name and the full stop) for another process, size or number of components, for damaged tables or markers,
// and for a scan with fewer or more samples than the image has.
void decode_jpeg_lossless(std::span<const std::byte> stream, const FrameSize& size, std::size_t width,
                          std::span<std::byte> samples);

}  // namespace medlsam
