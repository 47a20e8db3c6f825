// CUDA graphs: what a network does for one shape of inputs, recorded once and launched as a whole.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace medlsam::torch {

// Graphs of one network. A shape is computed as it is the first times it comes, which also warms up
// libraries; then it is recorded. The graphs of the shapes used last share one pool of memory. Runs take
// turns: the caller holds a lock; between runs on different streams the GPU waits. On a libtorch for the CPU
// nothing is recorded.
class GpuGraphs {
 public:
  using Compute = std::function<std::vector<at::Tensor>(std::span<const at::Tensor>)>;

  GpuGraphs();
  ~GpuGraphs();
  GpuGraphs(const GpuGraphs&) = delete;
  GpuGraphs& operator=(const GpuGraphs&) = delete;

  // Outputs of `compute`, which must do the same for inputs of the same shapes and wait for nothing on the
  // GPU, in the order of the current stream.
  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs, const Compute& compute);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Makes a stream of the GPU the current one; on the CPU it does nothing. `stream`: a cudaStream_t, or null
// for one of libtorch's own that the thread keeps.
class StreamScope {
 public:
  StreamScope(at::Device device, void* stream);
  ~StreamScope();
  StreamScope(const StreamScope&) = delete;
  StreamScope& operator=(const StreamScope&) = delete;

  void* stream() const;  // the cudaStream_t; null on the CPU

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace medlsam::torch
