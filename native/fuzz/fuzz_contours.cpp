#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "dicom_masks/paint_labels.hpp"
#include "fuzz/driver.hpp"

using namespace medlsam;

// The text of two contours: the first byte says where it is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = static_cast<std::int64_t>(text.size());
  const std::int64_t cut = whole * data[0] / 256;
  const std::vector<ContourPart> contours = {{0, cut}, {cut, whole - cut}};
  const std::vector<PlaneFrame> frames = {{{0, 0, 0}, {2, 0, 0}, {0, 2, 0}},
                                          {{0, 0, 5}, {2, 0, 0}, {0, 2, 0}}};
  const AnnotatedGrid grid = {{2, 9, 7}, {}, {0, 1}};
  for (const std::int32_t image : {-1, 0}) {
    try {
      const std::vector<AnnotationPart> parts = {{1, image}, {2, image}};
      labels_of_contours(text, contours, parts, frames, grid, Task{});
    } catch (const Error&) {
    }
  }
  return 0;
}

std::vector<std::string> make_seeds(const std::vector<std::string>& files) {
  std::vector<std::string> seeds = files;
  const std::string square = "-1\\-1\\0\\9.5\\-1\\0\\9.5\\11\\0\\-1\\11\\0";
  const std::string far = "1e300\\-1E308\\0\\-1e308\\1e308\\0.01\\0\\5\\0.00";
  seeds.push_back(std::string(1, '\x80') + square + square);
  seeds.push_back(std::string(1, '\x70') + square + far);
  return seeds;
}
