#include "runtimes/torch/library.hpp"

#include <dlfcn.h>

#include <exception>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace medlsam::torch {
namespace {

std::mutex load_mutex;
std::string loaded_path;
const MedlsamTorchTable* loaded_table = nullptr;

[[noreturn]] void unavailable(const std::string& message) {
  throw Error(ErrorCode::kRuntimeUnavailable,
              message + " Build it with `npm run build:torch`, or name another in MEDLSAM_TORCH.");
}

using Tensors = std::map<std::string, TensorView>;

MedlsamTorchArray to_c(const char* name, const float* data, const std::vector<std::int64_t>& shape) {
  return {name, data, shape.data(), static_cast<std::int32_t>(shape.size())};
}

class PluginNetwork : public Network {
 public:
  PluginNetwork(const MedlsamTorchTable& table, const NetworkOptions& options, std::int32_t network,
                std::int32_t part, const Tensors& weights)
      : table_(table), threads_(static_cast<std::int32_t>(options.threads)) {
    std::vector<MedlsamTorchArray> arrays;
    for (const auto& [name, view] : weights) {
      arrays.push_back(to_c(name.c_str(), reinterpret_cast<const float*>(view.bytes.data()), view.shape));
    }
    const MedlsamTorchNetworkOptions wanted = {
        network, part, arrays.data(), arrays.size(), options.device.c_str(), options.precision};
    check(table_, table_.create_network(&wanted, &network_));
  }
  ~PluginNetwork() override { table_.destroy_network(network_); }
  PluginNetwork(const PluginNetwork&) = delete;
  PluginNetwork& operator=(const PluginNetwork&) = delete;

  std::vector<Array> run(std::span<const Array> inputs, const Task& task) override {
    task.check();
    std::vector<MedlsamTorchArray> arrays;
    for (const Array& input : inputs) arrays.push_back(to_c(nullptr, input.data, input.shape));
    Running running = {table_, task, {}};
    const MedlsamTorchRun callbacks = {&running, Running::is_cancelled, Running::output};
    check(table_, table_.run_network(network_, arrays.data(), arrays.size(), threads_, &callbacks));
    return std::move(running.outputs);
  }

 private:
  struct Running {
    const MedlsamTorchTable& table;
    const Task& task;
    std::vector<Array> outputs;

    static std::int32_t is_cancelled(void* self) {
      return static_cast<Running*>(self)->task.is_cancelled() ? 1 : 0;
    }
    static void output(void* self, const MedlsamTorchArray* array, void* owner) {
      auto& running = *static_cast<Running*>(self);
      running.outputs.push_back(
          {array->data,
           {array->shape, array->shape + array->rank},
           std::shared_ptr<const void>(owner, [&table = running.table](const void* held) {
             table.release_output(const_cast<void*>(held));
           })});
    }
  };

  const MedlsamTorchTable& table_;
  std::int32_t threads_;
  void* network_ = nullptr;
};

}  // namespace

const MedlsamTorchTable& load(const std::string& path) {
  const std::lock_guard lock(load_mutex);
  if (loaded_table != nullptr) {
    if (path == loaded_path) return *loaded_table;
    throw Error(ErrorCode::kRuntimeUnavailable, "The torch plugin is already loaded from " + loaded_path +
                                                    "; this process cannot use " + path + " as well.");
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    unavailable("The torch plugin could not be loaded: " + std::string(dlerror()) + '.');
  const auto abi = reinterpret_cast<MedlsamTorchAbi>(dlsym(library, "medlsam_torch_abi"));
  const auto table = reinterpret_cast<MedlsamTorchGetTable>(dlsym(library, "medlsam_torch_table"));
  if (abi == nullptr || table == nullptr) unavailable(path + " is not medlsam's torch plugin.");
  if (abi() != MEDLSAM_TORCH_ABI) {
    unavailable("The torch plugin at " + path + " has interface " + std::to_string(abi()) + ", wanted " +
                std::to_string(MEDLSAM_TORCH_ABI) + ": it was built from another version of medlsam.");
  }
  loaded_table = table();
  loaded_path = path;
  return *loaded_table;
}

void check(const MedlsamTorchTable& table, std::int32_t result) {
  if (result != 0) throw Error(static_cast<ErrorCode>(result - 1), table.last_error());
}

MedLamBuilder medlam_builder(const MedlsamTorchTable& table, const NetworkOptions& options) {
  return [&table, options](const MedLamWeights& weights, int deepest) -> std::unique_ptr<Network> {
    return std::make_unique<PluginNetwork>(table, options, MEDLSAM_TORCH_MEDLAM, deepest, weights.tensors());
  };
}

SamBuilder sam_builder(const MedlsamTorchTable& table, const NetworkOptions& options) {
  return [&table, options](const SamWeights& weights, SamPart part) -> std::unique_ptr<Network> {
    return std::make_unique<PluginNetwork>(table, options, MEDLSAM_TORCH_SAM, static_cast<std::int32_t>(part),
                                           weights.tensors());
  };
}

}  // namespace medlsam::torch
