#include "torch/aten/arithmetic.hpp"

#include "base/device.hpp"
#include "base/error.hpp"

namespace medlsam::torch {
namespace {

// The same inputs give the same bytes; fused attention adds its gradients in any order.
void make_cuda_repeatable() {
  at::Context& context = at::globalContext();
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  context.setSDPUseFlash(false);
  context.setSDPUseMemEfficient(false);
  context.setSDPUseCuDNN(false);
}

}  // namespace

at::TensorOptions tensor_options(const std::string& device, at::ScalarType precision) {
  const auto options = at::TensorOptions().dtype(precision);
  const Device parsed = Device::parse(device).first();
  if (parsed.is_cpu()) return options.device(at::kCPU);
  const std::size_t devices = at::getNumGPUs();
  if (static_cast<std::size_t>(parsed.index) >= devices) {
    throw Error(ErrorCode::kRuntimeUnavailable,
                "Device " + parsed.text() + " is not there: this libtorch sees " + std::to_string(devices) +
                    " CUDA devices. Run on the cpu, or build the plugin with "
                    "a libtorch for CUDA (`npm run build:torch`).");
  }
  make_cuda_repeatable();
  return options.device(at::kCUDA, static_cast<at::DeviceIndex>(parsed.index));
}

void allow_tf32(bool allowed) {
  at::globalContext().setAllowTF32CuDNN(allowed);
}

Arithmetic::Arithmetic(const GpuChoices& choices)
    : benchmark_(at::globalContext().benchmarkCuDNN()),
      deterministic_(at::globalContext().deterministicCuDNN()) {
  at::globalContext().setBenchmarkCuDNN(choices.benchmark);
  at::globalContext().setDeterministicCuDNN(!choices.benchmark);
}

Arithmetic::~Arithmetic() {
  at::globalContext().setBenchmarkCuDNN(benchmark_);
  at::globalContext().setDeterministicCuDNN(deterministic_);
}

}  // namespace medlsam::torch
