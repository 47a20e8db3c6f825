#include "volumes/gzip.hpp"

#include <doctest/doctest.h>

#include "testing/nifti_bytes.hpp"

namespace medlsam {
namespace {

#if defined(MEDLSAM_LIBDEFLATE)
constexpr bool kThere = true;
#else
constexpr bool kThere = false;
#endif

Bytes some_bytes(std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i * i >> 7);
  return bytes;
}

TEST_CASE("a file is inflated at once where it is exactly what was expected") {
  const Bytes plain = some_bytes(100000), gzip = gzipped(plain);
  const auto found = inflate_whole(gzip, Deflated::kGzip, 400, plain.size() - 400);
  CHECK(found.has_value() == kThere);
  if (found) CHECK(std::ranges::equal(*found, std::span(plain).subspan(400)));
}

TEST_CASE("nothing but exactly that is inflated at once") {
  const Bytes plain = some_bytes(100000), gzip = gzipped(plain);
  CHECK_FALSE(inflate_whole(plain, Deflated::kGzip, 0, plain.size()));     // not gzip
  CHECK_FALSE(inflate_whole(gzip, Deflated::kGzip, 0, plain.size() - 1));  // more than expected
  CHECK_FALSE(inflate_whole(gzip, Deflated::kGzip, 1, plain.size()));      // less
  CHECK_FALSE(inflate_whole(std::span(gzip).first(gzip.size() - 9), Deflated::kGzip, 0, plain.size()));
  Bytes damaged = gzip;
  damaged[gzip.size() - 6] ^= std::byte{1};  // the checksum
  CHECK_FALSE(inflate_whole(damaged, Deflated::kGzip, 0, plain.size()));
  Bytes padded = gzip;
  padded.push_back(std::byte{0});
  CHECK_FALSE(inflate_whole(padded, Deflated::kGzip, 0, plain.size()));
  CHECK_FALSE(inflate_whole(gzip, Deflated::kGzip, 1, static_cast<std::size_t>(-1)));
}

TEST_CASE("memory beyond what usual files need is not taken at once") {
  const Bytes zeros(std::size_t{70} << 20), gzip = gzipped(zeros);
  CHECK_FALSE(inflate_whole(gzip, Deflated::kGzip, 0, zeros.size()));
}

}  // namespace
}  // namespace medlsam
