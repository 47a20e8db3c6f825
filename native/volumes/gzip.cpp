#include "volumes/gzip.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace medlsam {
namespace {

constexpr int kLargestWindow = 15;  // zlib's windowBits, to which 16 is added for gzip's header and trailer
constexpr std::size_t kOutput = std::size_t{1} << 24;  // between checks for cancellation
constexpr std::size_t kInput = std::size_t{1} << 30;   // zlib counts in 32 bits

Bytef* zlib_bytes(const std::byte* bytes) {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes));  // zlib's input pointer lacks a const
}

std::string name_of(Deflated format) {
  return format == Deflated::kGzip ? "gzip" : "zlib";
}

uInt zlib_size(std::size_t size, std::size_t most) {
  return static_cast<uInt>(std::min(size, most));
}

}  // namespace

bool is_gzip(std::span<const std::byte> file) {
  return file.size() >= 2 && file[0] == std::byte{0x1f} && file[1] == std::byte{0x8b};
}

GzipReader::GzipReader(std::span<const std::byte> compressed, const Task& task, Deflated format)
    : task_(task), format_(format), file_(compressed), rest_(compressed) {
  const int window = kLargestWindow + (format == Deflated::kGzip ? 16 : 0);
  if (inflateInit2(&stream_, window) != Z_OK) throw std::bad_alloc();
}

GzipReader::~GzipReader() {
  inflateEnd(&stream_);
}

std::size_t GzipReader::read(std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size() && !ended_) {
    task_.check();
    done += inflate_some(out.subspan(done));
  }
  return done;
}

std::size_t GzipReader::inflate_some(std::span<std::byte> out) {
  const uInt given = zlib_size(rest_.size(), kInput), wanted = zlib_size(out.size(), kOutput);
  stream_.next_in = zlib_bytes(rest_.data());
  stream_.avail_in = given;
  stream_.next_out = zlib_bytes(out.data());
  stream_.avail_out = wanted;
  const int result = inflate(&stream_, Z_NO_FLUSH);
  rest_ = rest_.subspan(given - stream_.avail_in);

  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  if (result == Z_BUF_ERROR) {  // no progress, though there is room: the input is used up
    throw Error(ErrorCode::kBadVolume, "the " + name_of(format_) + " data is cut off after " +
                                           std::to_string(file_.size()) +
                                           " bytes; copy or download the file again");
  }
  if (result != Z_OK && result != Z_STREAM_END) {
    throw Error(ErrorCode::kBadVolume, "the " + name_of(format_) + " data is damaged near byte " +
                                           std::to_string(file_.size() - rest_.size()) + " (" +
                                           (stream_.msg ? stream_.msg : "unknown format") +
                                           "); copy or download the file again");
  }
  if (result == Z_STREAM_END) end_member();
  return wanted - stream_.avail_out;
}

void GzipReader::end_member() {
  if (format_ == Deflated::kGzip && is_gzip(rest_)) {
    inflateReset(&stream_);
    return;
  }
  ended_ = true;
  if (std::all_of(rest_.begin(), rest_.end(), [](std::byte byte) { return byte == std::byte{0}; })) return;
  throw Error(ErrorCode::kBadVolume, std::to_string(rest_.size()) + " bytes that are not " +
                                         name_of(format_) + " data follow byte " +
                                         std::to_string(file_.size() - rest_.size()) +
                                         "; copy or download the file again");
}

}  // namespace medlsam
