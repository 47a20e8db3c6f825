// NVIDIA's driver, asked about its GPUs through its library, which is loaded at run time: neither CUDA nor a
// plugin is needed to know what is there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace medlsam {

struct Gpu {
  std::string name;          // as "NVIDIA H200"
  std::uint64_t memory = 0;  // bytes, of all programs together
  int major = 0, minor = 0;  // compute capability: 9 and 0
};

struct CudaDriver {
  std::string error;      // why there is no driver that works; "" if there is one
  int version = 0;        // the latest CUDA that it runs: 1000·major + 10·minor, as 13000
  std::vector<Gpu> gpus;  // in the order in which CUDA counts them, CUDA_VISIBLE_DEVICES heeded
};

// `library`: name or path of the driver's library, usually "libcuda.so.1". Asks anew on each call; the
// library stays loaded. A machine without a GPU costs one search for the library.
CudaDriver ask_cuda_driver(const std::string& library);

}  // namespace medlsam
