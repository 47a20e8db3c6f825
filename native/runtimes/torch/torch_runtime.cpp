#include "runtimes/torch/torch_runtime.hpp"

#include <utility>

#include "base/error.hpp"
#include "base/executor.hpp"
#include "base/thread_budget.hpp"
#include "networks/graph_json.hpp"
#include "runtimes/torch/library.hpp"

namespace medlsam::torch {
namespace {

std::int32_t to_c(DType type) {
  if (type == DType::kBF16) return MEDLSAM_TORCH_BFLOAT16;
  return type == DType::kF16 ? MEDLSAM_TORCH_FLOAT16 : MEDLSAM_TORCH_FLOAT32;
}

DType from_c(std::int32_t type) {
  if (type == MEDLSAM_TORCH_BFLOAT16) return DType::kBF16;
  return type == MEDLSAM_TORCH_FLOAT16 ? DType::kF16 : DType::kF32;
}

MedlsamTorchArray to_c(const char* name, const Tensor& tensor) {
  const Device device = tensor.device();
  return {name,
          tensor.address(),
          tensor.shape().data(),
          static_cast<std::int32_t>(tensor.shape().size()),
          to_c(tensor.dtype()),
          device.is_cpu() ? -1 : device.index};
}

std::string document_of(const Graph& graph, const Placement& placement) {
  JsonWriter json;
  json.object([&] {
    json.member("device", placement.device.text());
    json.member("precision", dtype_name(placement.precision));
    json.key("graph");
    write_graph(json, graph);
  });
  return json.take();
}

// Threads of the runs that libtorch computes at once: each has a team of OpenMP's, and without a bound teams
// of concurrent calls on different networks would add up.
ThreadBudget& budget() {
  static ThreadBudget threads(executor().threads());
  return threads;
}

// An output of the plugin's, in main memory or on a GPU.
class PluginStorage : public Storage {
 public:
  PluginStorage(const MedlsamTorchTable& table, const MedlsamTorchArray& array, void* owner)
      : table_(table),
        data_(static_cast<const std::byte*>(array.data)),
        device_(array.device < 0 ? Device{} : Device{DeviceKind::kCuda, array.device}),
        owner_(owner) {}
  ~PluginStorage() override { table_.release_output(owner_); }
  PluginStorage(const PluginStorage&) = delete;
  PluginStorage& operator=(const PluginStorage&) = delete;

  Device device() const override { return device_; }
  const std::byte* host() const override { return device_.is_cpu() ? data_ : nullptr; }
  const std::byte* address() const override { return data_; }
  void* stream() const override { return table_.output_stream(owner_); }
  void read(std::size_t offset, std::span<std::byte> to) const override {
    check(table_, table_.read_output(owner_, offset, to.size(), to.data()));
  }

 private:
  const MedlsamTorchTable& table_;
  const std::byte* data_;
  Device device_;
  void* owner_;
};

class PluginNetwork : public Network {
 public:
  PluginNetwork(const MedlsamTorchTable& table, const Graph& graph, const ParameterMap& parameters,
                const Placement& placement)
      : table_(table),
        device_(placement.device),
        threads_(placement.device.is_cpu() ? placement.threads : 1) {
    std::vector<MedlsamTorchArray> arrays;
    for (const NamedValue& parameter : graph.parameters()) {
      const float* values = parameter_values(graph, parameter, parameters).data();
      const Shape& shape = graph.shape(parameter.value);
      arrays.push_back({parameter.name.c_str(), values, shape.data(), static_cast<std::int32_t>(shape.size()),
                        MEDLSAM_TORCH_FLOAT32, -1});
    }
    const std::string document = document_of(graph, placement);
    check(table_,
          table_.create_network(document.data(), document.size(), arrays.data(), arrays.size(), &network_));
  }
  ~PluginNetwork() override { table_.destroy_network(network_); }
  PluginNetwork(const PluginNetwork&) = delete;
  PluginNetwork& operator=(const PluginNetwork&) = delete;

  Device device() const override { return device_; }

  std::vector<Tensor> run(std::span<const Tensor> inputs, const Task& task) override {
    task.check();
    std::vector<MedlsamTorchArray> arrays;
    void* stream = nullptr;
    for (const Tensor& input : inputs) {
      if (input.device().is_cpu()) (void)input.floats();  // throws for another type
      if (stream == nullptr) stream = input.stream();
      arrays.push_back(to_c(nullptr, input));
    }
    Running running = {table_, task, {}};
    const MedlsamTorchRun callbacks = {&running, Running::is_cancelled, Running::output, stream};
    const auto share = budget().take(threads_, task);
    const auto threads = static_cast<std::int32_t>(share.threads());
    check(table_, table_.run_network(network_, arrays.data(), arrays.size(), threads, &callbacks));
    return std::move(running.outputs);
  }

 private:
  struct Running {
    const MedlsamTorchTable& table;
    const Task& task;
    std::vector<Tensor> outputs;

    static std::int32_t is_cancelled(void* self) {
      return static_cast<Running*>(self)->task.is_cancelled() ? 1 : 0;
    }
    static void output(void* self, const MedlsamTorchArray* array, void* owner) {
      auto& running = *static_cast<Running*>(self);
      const auto storage = std::make_shared<const PluginStorage>(running.table, *array, owner);
      running.outputs.emplace_back(from_c(array->type), Shape(array->shape, array->shape + array->rank),
                                   storage);
    }
  };

  const MedlsamTorchTable& table_;
  Device device_;
  unsigned threads_;
  void* network_ = nullptr;
};

class TorchRuntime : public Runtime {
 public:
  explicit TorchRuntime(const MedlsamTorchTable& table) : table_(table) {}

  std::string name() const override { return "torch"; }
  std::string version() const override { return table_.version; }

  std::vector<Device> devices() const override {
    std::vector<Device> found = {{}};
    for (int gpu = 0; gpu < table_.cuda_devices; ++gpu) found.push_back({DeviceKind::kCuda, gpu});
    return found;
  }

  Placement place(const Placement& wanted) const override {
    const Device device = wanted.device.first();
    if (!device.is_cpu() && device.index >= table_.cuda_devices) {
      throw Error(ErrorCode::kRuntimeUnavailable,
                  "Device " + device.text() + " is not there: this libtorch sees " +
                      std::to_string(table_.cuda_devices) +
                      " CUDA devices. Run on the cpu, or build the plugin with a libtorch for CUDA "
                      "(`npm run build:torch`).");
    }
    return {device, wanted.precision, wanted.threads};
  }

  std::unique_ptr<Network> compile(const Graph& graph, const ParameterMap& parameters,
                                   const Placement& placement) const override {
    return std::make_unique<PluginNetwork>(table_, graph, parameters, placement);
  }

 private:
  const MedlsamTorchTable& table_;
};

}  // namespace

std::shared_ptr<const Runtime> open_torch_runtime(const std::string& library) {
  return std::make_shared<const TorchRuntime>(load(library));
}

int torch_cuda_version(const std::string& library) {
  return load(library).cuda_version;
}

}  // namespace medlsam::torch
