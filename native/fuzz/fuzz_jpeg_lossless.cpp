#include <vector>

#include "base/error.hpp"
#include "fuzz/driver.hpp"
#include "testing/jpeg_bytes.hpp"
#include "volumes/dicom/jpeg_lossless.hpp"

using namespace medlsam;

namespace {

constexpr FrameSize kSize{24, 31};

}  // namespace

// The first byte chooses the bytes of a sample; the size is one, so that the mutations need not find it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t width = std::size_t{1} << data[0] % 3;
  std::vector<std::byte> samples(kSize.rows * kSize.columns * width);
  try {
    decode_jpeg_lossless(std::as_bytes(std::span(data + 1, size - 1)), kSize, width, samples);
  } catch (const Error&) {
  }
  return 0;
}

std::vector<std::string> make_seeds(const std::vector<std::string>& files) {
  std::vector<std::string> seeds = files;
  for (unsigned predictor = 1; predictor <= 7; ++predictor) {
    const JpegFields fields{.rows = kSize.rows,
                            .columns = kSize.columns,
                            .precision = 9 + predictor,
                            .predictor = predictor,
                            .shift = predictor % 3,
                            .rows_a_restart = predictor % 2 * 5,
                            .long_codes = predictor % 2 == 0};
    std::vector<std::uint16_t> samples(kSize.rows * kSize.columns);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      samples[i] = static_cast<std::uint16_t>(i * i % (std::size_t{1} << fields.precision) >> 2 << 2);
    }
    const auto stream = JpegWriter(fields).write(samples);
    seeds.emplace_back(1, '\1');
    seeds.back().append(reinterpret_cast<const char*>(stream.data()), stream.size());
  }
  return seeds;
}
