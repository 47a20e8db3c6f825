// The plugin's side of plugin_api.hpp: exceptions become codes, C arrays tensors.
#include <ATen/Parallel.h>

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
        at::from_blob(const_cast<float*>(arrays[i].data), shape_of(arrays[i]), at::kFloat);
  return weights;
}

at::ScalarType scalar_type(DType precision) {
  if (precision == DType::kBF16) return at::kBFloat16;
  return precision == DType::kF16 ? at::kHalf : at::kFloat;
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

std::int32_t create_network(const char* text, std::size_t length, const MedlsamTorchArray* parameters,
                            std::size_t count, void** network) {
  return guarded([&] {
    NetworkDocument document = read_document({text, length});
    const auto arithmetic = tensor_options(document.device, scalar_type(document.precision));
    *network = new AtenNetwork(std::move(document.graph), to_weights(parameters, count), arithmetic);
  });
}

std::int32_t run_network(void* network, const MedlsamTorchArray* inputs, std::size_t count,
                         std::int32_t threads, const MedlsamTorchRun* run) {
  return guarded([&] {
    // Sets this thread's count: OpenMP keeps one for each calling thread.
    at::set_num_threads(threads);
    std::vector<at::Tensor> tensors;
    for (std::size_t i = 0; i < count; ++i) {
      tensors.push_back(at::from_blob(const_cast<float*>(inputs[i].data), shape_of(inputs[i]), at::kFloat));
    }
    for (at::Tensor& output :
         static_cast<AtenNetwork*>(network)->run(tensors, to_check(run->is_cancelled, run->context))) {
      auto* owner = new at::Tensor(std::move(output));
      const MedlsamTorchArray array = {nullptr, owner->const_data_ptr<float>(), owner->sizes().data(),
                                       static_cast<std::int32_t>(owner->dim())};
      run->output(run->context, &array, owner);
    }
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
      static_cast<std::int32_t>(at::getNumGPUs()),
      [] { return last_error.c_str(); },
      create_network,
      run_network,
      [](void* owner) { delete static_cast<at::Tensor*>(owner); },
      [](void* network) { delete static_cast<AtenNetwork*>(network); },
      trainer_table(),
  };
  return &table;
}
}
