// Why no GPU can be used: what DeviceCount::problem says, parts of a sentence.
#pragma once

#include <string>

namespace medlsam::cuda {

inline std::string cuda_version_text(int version) {
  return std::to_string(version / 1000) + '.' + std::to_string(version % 1000 / 10);
}

inline std::string no_driver() {
  return "there is no NVIDIA driver (libcuda.so.1) on this machine";
}

inline std::string no_gpu() {
  return "the NVIDIA driver shows no GPU (does CUDA_VISIBLE_DEVICES hide it?)";
}

// `driver`, `runtime`: CUDA's versions, 13000 for 13.0.
inline std::string old_driver(int driver, int runtime) {
  return "the NVIDIA driver is for CUDA " + cuda_version_text(driver) + ", older than the CUDA " +
         cuda_version_text(runtime) + " that the plugin was built with: update the driver";
}

}  // namespace medlsam::cuda
