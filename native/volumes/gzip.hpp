// Reads gzip streams from memory and writes them to a file, with zlib.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <span>

#include "base/atomic_file.hpp"
#include "base/task.hpp"

namespace medlsam {

bool is_gzip(std::span<const std::byte> file);  // by its first bytes

// Greatest ratio of inflated to deflated size (RFC 1951: a match of 258 bytes costs 2 bits).
inline constexpr std::size_t kMaxInflation = 1032;

// Inflates a gzip file, which may have several members, piece by piece and only as far as needed.
// Zeros after the last member are padding; anything else there is an error.
class GzipReader {
 public:
  // `compressed` and `task` must outlive the reader.
  GzipReader(std::span<const std::byte> compressed, const Task& task);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  // Fills `out` and returns its size, or less once the stream has ended. A member's checksum is verified when
  // reading goes past its end. Throws kBadVolume (truncated, damaged; the byte offset), kAborted.
  std::size_t read(std::span<std::byte> out);

 private:
  std::size_t inflate_some(std::span<std::byte> out);
  void end_member();

  const Task& task_;
  z_stream stream_{};
  std::span<const std::byte> file_, rest_;
  bool ended_ = false;
};

// Writes one gzip member without name or time: the same bytes for the same data.
class GzipWriter {
 public:
  // `file` and `task` must outlive the writer.
  GzipWriter(AtomicFile& file, const Task& task);
  ~GzipWriter();
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  void write(std::span<const std::byte> bytes);  // throws kWriteFailed, kAborted
  void finish();                                 // writes the rest and the checksum; nothing may follow

 private:
  void deflate_all(int flush);

  AtomicFile& file_;
  const Task& task_;
  z_stream stream_{};
};

}  // namespace medlsam
