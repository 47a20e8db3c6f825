// Reads gzip and zlib streams from memory and writes gzip to a file, with zlib.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/atomic_file.hpp"
#include "base/task.hpp"

namespace medlsam {

enum class Deflated { kGzip, kZlib };  // with the header and the checksum of RFC 1952, or of RFC 1950

bool is_gzip(std::span<const std::byte> file);  // by its first bytes

// Greatest ratio of inflated to deflated size (RFC 1951: a match of 258 bytes costs 2 bits).
inline constexpr std::size_t kMaxInflation = 1032;

// Inflates a gzip file, which may have several members, or a zlib stream, piece by piece and only as far as
// needed. Zeros after the end are padding; anything else there is an error.
class GzipReader {
 public:
  // `compressed` and `task` must outlive the reader.
  GzipReader(std::span<const std::byte> compressed, const Task& task, Deflated format = Deflated::kGzip);
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
  const Deflated format_;
  z_stream stream_{};
  std::span<const std::byte> file_, rest_;
  bool ended_ = false;
};

// All but the first `skip` bytes of a zlib stream, or a gzip file of one member, that inflates to exactly
// skip + size bytes and whose checksum is right, inflated at once by libdeflate. Nothing where it is anything
// else, where its memory would be out of proportion, or where there is no libdeflate: then GzipReader reads
// it, or says what is wrong with it.
std::optional<std::vector<std::byte>> inflate_whole(std::span<const std::byte> file, Deflated format,
                                                    std::size_t skip, std::size_t size);

// Writes `start` and `data` as one gzip member without name or time. Blocks of a megabyte are compressed at
// the same time; they are cut at the same places whatever the number of threads, so the same data give the
// same bytes. Throws kWriteFailed, kAborted.
void write_gzip(AtomicFile& file, std::span<const std::byte> start, std::span<const std::byte> data,
                const Task& task);

}  // namespace medlsam
