#include "runtimes/torch/torch_runtime.hpp"

#include <utility>

#include "base/error.hpp"
#include "base/executor.hpp"
#include "base/thread_budget.hpp"
#include "networks/graph_json.hpp"
#include "runtimes/torch/library.hpp"

namespace medlsam::torch {
namespace {

MedlsamTorchArray to_c(const char* name, const float* data, const Shape& shape) {
  return {name, data, shape.data(), static_cast<std::int32_t>(shape.size())};
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

class PluginNetwork : public Network {
 public:
  PluginNetwork(const MedlsamTorchTable& table, const Graph& graph, const ParameterMap& parameters,
                const Placement& placement)
      : table_(table), threads_(placement.device.is_cpu() ? placement.threads : 1) {
    std::vector<MedlsamTorchArray> arrays;
    for (const NamedValue& parameter : graph.parameters()) {
      const float* values = parameter_values(graph, parameter, parameters).data();
      arrays.push_back(to_c(parameter.name.c_str(), values, graph.shape(parameter.value)));
    }
    const std::string document = document_of(graph, placement);
    check(table_,
          table_.create_network(document.data(), document.size(), arrays.data(), arrays.size(), &network_));
  }
  ~PluginNetwork() override { table_.destroy_network(network_); }
  PluginNetwork(const PluginNetwork&) = delete;
  PluginNetwork& operator=(const PluginNetwork&) = delete;

  std::vector<Tensor> run(std::span<const Tensor> inputs, const Task& task) override {
    task.check();
    std::vector<MedlsamTorchArray> arrays;
    for (const Tensor& input : inputs) arrays.push_back(to_c(nullptr, input.floats(), input.shape()));
    Running running = {table_, task, {}};
    const MedlsamTorchRun callbacks = {&running, Running::is_cancelled, Running::output};
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
      const auto release = [&table = running.table](const void* held) {
        table.release_output(const_cast<void*>(held));
      };
      running.outputs.push_back(Tensor::on_host(array->data, {array->shape, array->shape + array->rank},
                                                std::shared_ptr<const void>(owner, release)));
    }
  };

  const MedlsamTorchTable& table_;
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

  Placed place(const Placement& wanted) const override {
    const Device device = wanted.device.first();
    if (!device.is_cpu() && device.index >= table_.cuda_devices) {
      throw Error(ErrorCode::kRuntimeUnavailable,
                  "Device " + device.text() + " is not there: this libtorch sees " +
                      std::to_string(table_.cuda_devices) +
                      " CUDA devices. Run on the cpu, or build the plugin with a libtorch for CUDA "
                      "(`npm run build:torch`).");
    }
    return {{device, wanted.precision, wanted.threads}, ""};
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

}  // namespace medlsam::torch
