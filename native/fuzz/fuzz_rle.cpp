#include <vector>

#include "base/error.hpp"
#include "fuzz/driver.hpp"
#include "testing/jpeg_bytes.hpp"
#include "volumes/dicom/rle.hpp"

using namespace medlsam;

// The first byte chooses the bytes of a sample, the second the number of samples.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t width = std::size_t{1} << data[0] % 3;
  std::vector<std::byte> samples((1 + 16 * data[1]) * width);
  try {
    decode_rle(std::as_bytes(std::span(data + 2, size - 2)), width, samples);
  } catch (const Error&) {
  }
  return 0;
}

std::vector<std::string> make_seeds(const std::vector<std::string>& files) {
  std::vector<std::string> seeds = files;
  for (const std::size_t width : {0, 1, 2}) {
    std::vector<std::vector<std::uint8_t>> planes(std::size_t{1} << width, std::vector<std::uint8_t>(97));
    for (std::size_t i = 0; i < 97; ++i) planes[0][i] = static_cast<std::uint8_t>(i < 40 ? i : 40);
    const auto frame = rle_frame(planes);
    seeds.push_back({static_cast<char>(width), 6});
    seeds.back().append(reinterpret_cast<const char*>(frame.data()), frame.size());
  }
  return seeds;
}
