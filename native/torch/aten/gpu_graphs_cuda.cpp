#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <utility>

#include "torch/aten/gpu_graphs.hpp"

namespace medlsam::torch {
namespace {

constexpr int kRunsBefore = 2;        // that a shape is computed as it is
constexpr std::size_t kMostKept = 4;  // shapes

using Shapes = std::vector<std::vector<std::int64_t>>;

Shapes shapes_of(std::span<const at::Tensor> tensors) {
  Shapes shapes;
  for (const at::Tensor& tensor : tensors) shapes.push_back(tensor.sizes().vec());
  return shapes;
}

// A shape of inputs, and its graph once it was recorded.
struct Recorded {
  Shapes shapes;
  int runs = 0;
  std::vector<at::Tensor> inputs, outputs;
  std::unique_ptr<at::cuda::CUDAGraph> graph;
};

}  // namespace

struct GpuGraphs::State {
  std::list<Recorded> recorded;  // what was used last first
  std::optional<at::cuda::MempoolId_t> pool;
  at::cuda::CUDAEvent last;  // behind the last launch

  Recorded& find(Shapes shapes) {
    const auto same = [&](const Recorded& each) { return each.shapes == shapes; };
    const auto found = std::ranges::find_if(recorded, same);
    if (found != recorded.end()) {
      recorded.splice(recorded.begin(), recorded, found);
    } else {
      recorded.push_front({std::move(shapes), 0, {}, {}, nullptr});
      if (recorded.size() > kMostKept) recorded.pop_back();
    }
    return recorded.front();
  }

  void record(Recorded& shape, std::span<const at::Tensor> inputs, const Compute& compute) {
    if (!pool) pool = at::cuda::graph_pool_handle();
    std::vector<at::Tensor> own;
    for (const at::Tensor& input : inputs) own.push_back(input.clone());
    auto graph = std::make_unique<at::cuda::CUDAGraph>();
    {
      const c10::cuda::CUDAStreamGuard side(c10::cuda::getStreamFromPool(false, inputs[0].get_device()));
      graph->capture_begin(*pool, cudaStreamCaptureModeThreadLocal);
      try {
        shape.outputs = compute(own);
      } catch (...) {
        // The recording must end before its memory can be freed; it is the first error that tells.
        try {
          graph->capture_end();
        } catch (const c10::Error&) {
        }
        throw;
      }
      graph->capture_end();
    }
    shape.inputs = std::move(own);
    shape.graph = std::move(graph);
  }

  std::vector<at::Tensor> launch(Recorded& shape, std::span<const at::Tensor> inputs) {
    const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream(inputs[0].get_device());
    last.block(stream);
    for (std::size_t i = 0; i < inputs.size(); ++i) shape.inputs[i].copy_(inputs[i], true);
    shape.graph->replay();
    std::vector<at::Tensor> outputs;
    for (const at::Tensor& output : shape.outputs) outputs.push_back(output.clone());
    last.record(stream);
    return outputs;
  }
};

GpuGraphs::GpuGraphs() : state_(std::make_unique<State>()) {}
GpuGraphs::~GpuGraphs() = default;

std::vector<at::Tensor> GpuGraphs::run(std::span<const at::Tensor> inputs, const Compute& compute) {
  Recorded& shape = state_->find(shapes_of(inputs));
  if (!shape.graph && shape.runs < kRunsBefore) {
    std::vector<at::Tensor> outputs = compute(inputs);
    ++shape.runs;
    return outputs;
  }
  if (!shape.graph) state_->record(shape, inputs, compute);
  return state_->launch(shape, inputs);
}

struct StreamScope::State {
  c10::cuda::CUDAStreamGuard guard;
};

StreamScope::StreamScope(at::Device device, void* stream) {
  if (device.is_cpu()) return;
  // The same one for all runs of a thread, which then need no events between them.
  thread_local std::map<at::DeviceIndex, c10::cuda::CUDAStream> own;
  const auto index = device.index();
  if (stream == nullptr && !own.contains(index))
    own.emplace(index, c10::cuda::getStreamFromPool(false, index));
  const c10::cuda::CUDAStream taken =
      stream == nullptr ? own.at(index)
                        : c10::cuda::getStreamFromExternal(static_cast<cudaStream_t>(stream), index);
  state_.reset(new State{c10::cuda::CUDAStreamGuard(taken)});
}

StreamScope::~StreamScope() = default;

void* StreamScope::stream() const {
  return state_ ? static_cast<void*>(state_->guard.current_stream().stream()) : nullptr;
}

}  // namespace medlsam::torch
