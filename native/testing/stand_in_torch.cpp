// A torch plugin (runtimes/torch/plugin_api.hpp) for tests, whose GPU is this package's cpu runtime.
// MEDLSAM_STAND_IN_TORCH_GPUS: how many it sees (1). MEDLSAM_STAND_IN_ROWS: the longest batch for which there
// is memory. MEDLSAM_STAND_IN_RUNS: after how many runs the GPU is lost. MEDLSAM_STAND_IN_TORCH_CUDA: the
// CUDA version it is built for. MEDLSAM_STAND_IN_ABI: the interface's number.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "networks/graph_json.hpp"
#include "runtimes/cpu/cpu_runtime.hpp"
#include "runtimes/torch/plugin_api.hpp"

namespace {

using namespace medlsam;

int number(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atoi(text);
}

thread_local std::string last_error;

template <class Body>
std::int32_t guarded(const Body& body) {
  try {
    body();
    return 0;
  } catch (const Error& error) {
    last_error = error.what();
    return 1 + static_cast<std::int32_t>(error.code());
  }
}

Shape shape_of(const MedlsamTorchArray& array) {
  return {array.shape, array.shape + array.rank};
}

struct StandInNetwork {
  Graph graph;
  std::unique_ptr<Network> network;
  bool on_gpu = false;
};

std::int32_t create_network(const char* text, std::size_t length, const MedlsamTorchArray* parameters,
                            std::size_t count, void** network) {
  return guarded([&] {
    auto made = std::make_unique<StandInNetwork>();
    JsonReader json({text, length}, "the network's document", ErrorCode::kInternal);
    json.object([&](const std::string& key) {
      if (key == "graph")
        made->graph = read_graph(json);
      else if (const std::string value = json.string(); key == "device")
        made->on_gpu = value != "cpu";
    });
    ParameterMap map;
    for (std::size_t i = 0; i < count; ++i) {
      const Shape shape = shape_of(parameters[i]);
      const auto* bytes = reinterpret_cast<const std::byte*>(parameters[i].data);
      map[parameters[i].name] = {DType::kF32, shape, {bytes, shape_elements(shape) * sizeof(float)}};
    }
    made->network = cpu::open_cpu_runtime("")->compile(made->graph, map, {});
    *network = made.release();
  });
}

std::atomic<int> runs{0};

void fail_where_asked(std::span<const Tensor> inputs) {
  const int most = number("MEDLSAM_STAND_IN_RUNS", -1);
  if (most >= 0 && runs++ >= most)
    throw Error(ErrorCode::kDeviceFailed, "CUDA error: unspecified launch failure");
  for (const Tensor& input : inputs) {
    const std::int64_t rows = input.shape()[0];
    if (rows > number("MEDLSAM_STAND_IN_ROWS", 1 << 20))
      throw Error(ErrorCode::kOutOfMemory, "CUDA out of memory: a batch of " + std::to_string(rows));
  }
}

std::int32_t run_network(void* network, const MedlsamTorchArray* inputs, std::size_t count,
                         std::int32_t threads, const MedlsamTorchRun* run) {
  return guarded([&] {
    auto& used = *static_cast<StandInNetwork*>(network);
    std::vector<Tensor> tensors;
    for (std::size_t i = 0; i < count; ++i)
      tensors.push_back(Tensor::on_host(static_cast<const float*>(inputs[i].data), shape_of(inputs[i])));
    if (used.on_gpu) fail_where_asked(tensors);
    Task task;
    task.threads = static_cast<unsigned>(threads);
    for (Tensor& output : used.network->run(tensors, task)) {
      auto* owner = new Tensor(std::move(output));
      const MedlsamTorchArray array = {nullptr,
                                       owner->floats(),
                                       owner->shape().data(),
                                       static_cast<std::int32_t>(owner->shape().size()),
                                       MEDLSAM_TORCH_FLOAT32,
                                       used.on_gpu ? 0 : -1};
      run->output(run->context, &array, owner);
    }
  });
}

std::int32_t read_output(void* owner, std::size_t offset, std::size_t bytes, void* to) {
  std::memcpy(to, reinterpret_cast<const std::byte*>(static_cast<Tensor*>(owner)->floats()) + offset, bytes);
  return 0;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) std::int32_t medlsam_torch_abi() {
  return number("MEDLSAM_STAND_IN_ABI", MEDLSAM_TORCH_ABI);
}

__attribute__((visibility("default"))) const MedlsamTorchTable* medlsam_torch_table() {
  static const MedlsamTorchTable table = {
      "2.14.0",
      number("MEDLSAM_STAND_IN_TORCH_CUDA", 13000),
      number("MEDLSAM_STAND_IN_TORCH_GPUS", 1),
      [] { return last_error.c_str(); },
      create_network,
      run_network,
      read_output,
      [](void*) -> void* { return nullptr; },
      [](void* owner) { delete static_cast<Tensor*>(owner); },
      [](void* network) { delete static_cast<StandInNetwork*>(network); },
      {},
  };
  return &table;
}
}
