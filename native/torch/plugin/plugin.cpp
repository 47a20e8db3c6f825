// The plugin's side of plugin_api.hpp: exceptions become codes, C arrays tensors.
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "networks/graph_json.hpp"
#include "torch/aten/arithmetic.hpp"
#include "torch/aten/network.hpp"
#include "torch/plugin/guard.hpp"

namespace medlsam::torch {
namespace {

std::vector<std::int64_t> shape_of(const MedlsamTorchArray& array) {
  return {array.shape, array.shape + array.rank};
}

WeightMap to_weights(const MedlsamTorchArray* arrays, std::size_t count) {
  WeightMap weights;
  for (std::size_t i = 0; i < count; ++i)
    weights[arrays[i].name] =
        at::from_blob(const_cast<void*>(arrays[i].data), shape_of(arrays[i]), at::kFloat);
  return weights;
}

std::int32_t precision_of(at::ScalarType type) {
  if (type == at::kBFloat16) return MEDLSAM_TORCH_BFLOAT16;
  return type == at::kHalf ? MEDLSAM_TORCH_FLOAT16 : MEDLSAM_TORCH_FLOAT32;
}

at::ScalarType type_of(DType precision) {
  if (precision == DType::kBF16) return at::kBFloat16;
  return precision == DType::kF16 ? at::kHalf : at::kFloat;
}

std::int32_t cuda_version() {
  const at::CUDAHooksInterface& hooks = at::detail::getCUDAHooks();
  return hooks.hasCUDART() ? static_cast<std::int32_t>(hooks.versionCUDART()) : 0;
}

// Content of create_network's document.
struct NetworkDocument {
  std::string device;
  DType precision = DType::kF32;
  Graph graph;
};

NetworkDocument read_document(std::string_view text) {
  JsonReader json(text, "the network's document", ErrorCode::kInternal);
  NetworkDocument document;
  json.object([&](const std::string& key) {
    if (key == "device") {
      document.device = json.string();
    } else if (key == "precision") {
      const auto precision = dtype_from_name(json.string());
      if (!precision) json.fail("an unknown precision");
      document.precision = *precision;
    } else if (key == "graph") {
      document.graph = read_graph(json);
    } else {
      json.fail("an unknown member " + json_string(key));
    }
  });
  json.finish();
  return document;
}

GpuChoices gpu_choices() {
  const char* words = std::getenv("MEDLSAM_GPU");
  return parse_gpu_choices(words == nullptr ? "" : words);
}

std::int32_t create_network(const char* text, std::size_t length, const MedlsamTorchArray* parameters,
                            std::size_t count, void** network) {
  return guarded([&] {
    NetworkDocument document = read_document({text, length});
    const auto arithmetic = tensor_options(document.device, type_of(document.precision));
    *network =
        new AtenNetwork(std::move(document.graph), to_weights(parameters, count), arithmetic, gpu_choices());
  });
}

at::Tensor borrow(const MedlsamTorchArray& array) {
  const at::Device device = array.device < 0
                                ? at::Device(at::kCPU)
                                : at::Device(at::kCUDA, static_cast<at::DeviceIndex>(array.device));
  const auto options = at::TensorOptions().dtype(scalar_type(array.type)).device(device);
  return at::from_blob(const_cast<void*>(array.data), shape_of(array), options);
}

// An output whose memory the addon holds, and the stream in whose order it is written.
struct Output {
  at::Tensor tensor;
  void* stream = nullptr;
};

void hand_over(at::Tensor&& tensor, void* stream, const MedlsamTorchRun& run) {
  auto* output = new Output{std::move(tensor), stream};
  const at::Tensor& made = output->tensor;
  const MedlsamTorchArray array = {nullptr,
                                   made.const_data_ptr(),
                                   made.sizes().data(),
                                   static_cast<std::int32_t>(made.dim()),
                                   precision_of(made.scalar_type()),
                                   made.is_cpu() ? -1 : static_cast<std::int32_t>(made.get_device())};
  run.output(run.context, &array, output);
}

std::int32_t run_network(void* network, const MedlsamTorchArray* inputs, std::size_t count,
                         std::int32_t threads, const MedlsamTorchRun* run) {
  return guarded([&] {
    // Sets this thread's count: OpenMP keeps one for each calling thread.
    at::set_num_threads(threads);
    auto& called = *static_cast<AtenNetwork*>(network);
    const StreamScope scope(called.device(), run->stream);
    std::vector<at::Tensor> tensors;
    for (std::size_t i = 0; i < count; ++i) tensors.push_back(borrow(inputs[i]));
    for (at::Tensor& output : called.run(tensors, to_check(run->is_cancelled, run->context)))
      hand_over(std::move(output), scope.stream(), *run);
  });
}

std::int32_t read_output(void* owner, std::size_t offset, std::size_t bytes, void* to) {
  return guarded([&] {
    const auto& output = *static_cast<const Output*>(owner);
    const StreamScope scope(output.tensor.device(), output.stream);
    const auto count = static_cast<std::int64_t>(bytes);
    const at::Tensor all = output.tensor.flatten().view(at::kByte);
    // A copy to main memory that is not pinned waits for its end.
    at::from_blob(to, {count}, at::kByte).copy_(all.narrow(0, static_cast<std::int64_t>(offset), count));
  });
}

}  // namespace
}  // namespace medlsam::torch

extern "C" {

__attribute__((visibility("default"))) std::int32_t medlsam_torch_abi() {
  return MEDLSAM_TORCH_ABI;
}

__attribute__((visibility("default"))) const MedlsamTorchTable* medlsam_torch_table() {
  using namespace medlsam::torch;
  static const MedlsamTorchTable table = {
      MEDLSAM_TORCH_VERSION,
      cuda_version(),
      static_cast<std::int32_t>(at::getNumGPUs()),
      [] { return last_error.c_str(); },
      create_network,
      run_network,
      read_output,
      [](void* owner) { return static_cast<Output*>(owner)->stream; },
      [](void* owner) { delete static_cast<Output*>(owner); },
      [](void* network) { delete static_cast<AtenNetwork*>(network); },
      trainer_table(),
  };
  return &table;
}
}
