// The interface of gpu_graphs.hpp on a libtorch for the CPU.
#include "torch/aten/gpu_graphs.hpp"

namespace medlsam::torch {

struct GpuGraphs::State {};
GpuGraphs::GpuGraphs() = default;
GpuGraphs::~GpuGraphs() = default;

std::vector<at::Tensor> GpuGraphs::run(std::span<const at::Tensor> inputs, const Compute& compute) {
  return compute(inputs);
}

struct StreamScope::State {};
StreamScope::StreamScope(at::Device, void*) {}
StreamScope::~StreamScope() = default;
void* StreamScope::stream() const {
  return nullptr;
}

}  // namespace medlsam::torch
