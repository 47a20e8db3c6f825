#include <algorithm>
#include <memory>

#include "volumes/gzip.hpp"

#if defined(MEDLSAM_LIBDEFLATE)
#include <libdeflate.h>
#endif

namespace medlsam {
#if defined(MEDLSAM_LIBDEFLATE)
namespace {

// Memory is taken before the data are seen to fill it, so a file can make this take eight times its size (CT
// deflates to two thirds of it), or 64 MB, which leaves label maps in.
constexpr std::size_t kUsualInflation = 8;
constexpr std::size_t kSmall = std::size_t{1} << 26;

}  // namespace

std::optional<std::vector<std::byte>> inflate_whole(std::span<const std::byte> file, Deflated format,
                                                    std::size_t skip, std::size_t size) {
  const std::size_t all = skip + size;
  if ((format == Deflated::kGzip && !is_gzip(file)) || size == 0 || all < size ||
      all > std::max(kSmall, kUsualInflation * file.size()))
    return {};
  const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> decompressor(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (!decompressor) return {};
  std::vector<std::byte> bytes(all);
  std::size_t used = 0, found = 0;
  const auto decompress =
      format == Deflated::kGzip ? libdeflate_gzip_decompress_ex : libdeflate_zlib_decompress_ex;
  const auto result =
      decompress(decompressor.get(), file.data(), file.size(), bytes.data(), all, &used, &found);
  if (result != LIBDEFLATE_SUCCESS || used != file.size() || found != all) return {};
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(skip));
  return bytes;
}
#else
std::optional<std::vector<std::byte>> inflate_whole(std::span<const std::byte>, Deflated, std::size_t,
                                                    std::size_t) {
  return {};
}
#endif

}  // namespace medlsam
