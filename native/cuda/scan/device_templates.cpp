#include <array>

#include "cuda/library.hpp"
#include "cuda/scan/device_scan.hpp"

namespace medlsam::cuda {

DeviceTemplates::DeviceTemplates(const MedlsamCudaTable& table, int device, const Templates& templates)
    : table_(table), channels_(templates.channels()) {
  std::array<std::vector<float>, kScales> kernels;
  std::array<const float*, kScales> pointers{};
  for (int scale = 0; scale < kScales; ++scale) {
    const std::size_t elements = templates.kernel_elements(scale);
    kernels[scale].resize(templates.points() * elements);
    for (std::size_t point = 0; point < templates.points(); ++point)
      templates.kernel(point, scale, std::span(kernels[scale]).subspan(point * elements, elements));
    pointers[scale] = kernels[scale].data();
  }
  cuda::check(table, table.create_templates(device, static_cast<std::int32_t>(templates.points()), channels_,
                                            kScales, kKernelSize.data(), pointers.data(), &handle_));
}

DeviceTemplates::~DeviceTemplates() {
  if (handle_ != nullptr) table_.destroy_templates(handle_);
}

}  // namespace medlsam::cuda
