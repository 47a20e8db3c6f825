#include "cuda/plugin/devices.hpp"

#include <string>

#include "base/error.hpp"

namespace medlsam::cuda {

void require_devices(const DeviceCount& found) {
  if (found.problem.empty()) return;
  throw Error(ErrorCode::kRuntimeUnavailable, "No GPU can be used: " + found.problem + '.');
}

void require_number(int device, const DeviceCount& found) {
  if (device >= 0 && device < found.count) return;
  const std::string there = found.count == 1 ? "one GPU, cuda:0"
                                             : std::to_string(found.count) +
                                                   " GPUs, cuda:0 to cuda:" + std::to_string(found.count - 1);
  throw Error(ErrorCode::kRuntimeUnavailable,
              "There is no GPU cuda:" + std::to_string(device) + ": the driver shows " + there + '.');
}

void require_capability(int device, const DeviceProperties& properties, bool has_code) {
  constexpr int kLeastMajor = 7, kLeastMinor = 5;
  const bool too_old =
      properties.major < kLeastMajor || (properties.major == kLeastMajor && properties.minor < kLeastMinor);
  if (!too_old && has_code) return;
  const std::string gpu = "The GPU cuda:" + std::to_string(device) + " (" + properties.name +
                          ") has compute capability " + std::to_string(properties.major) + '.' +
                          std::to_string(properties.minor);
  throw Error(ErrorCode::kRuntimeUnavailable,
              too_old ? gpu + "; the CUDA plugin needs 7.5 or later."
                      : gpu + ", for which the CUDA plugin was not compiled (" MEDLSAM_CUDA_ARCHITECTURES
                              "). Build it with `npm run build:cuda`.");
}

DeviceProperties require_device(int device) {
  const DeviceCount found = count_devices();
  require_devices(found);
  require_number(device, found);
  DeviceProperties properties = device_properties(device);
  require_capability(device, properties, device_has_code(device));
  return properties;
}

}  // namespace medlsam::cuda
