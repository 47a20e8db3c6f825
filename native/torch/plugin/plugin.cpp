// The plugin's side of plugin_api.hpp: exceptions become codes, C arrays tensors.
#include <ATen/Parallel.h>

#include "torch/aten/aten_network.hpp"
#include "torch/plugin/guard.hpp"

namespace medlsam::torch {
namespace {

std::vector<std::int64_t> shape_of(const MedlsamTorchArray& array) {
  return {array.shape, array.shape + array.rank};
}

Checkpoint to_checkpoint(const MedlsamTorchArray* arrays, std::size_t count) {
  Checkpoint checkpoint;
  for (std::size_t i = 0; i < count; ++i) {
    TensorView view = {DType::kF32, shape_of(arrays[i]), {}};
    view.bytes = std::as_bytes(std::span(arrays[i].data, view.elements()));
    checkpoint.tensors.emplace(arrays[i].name, std::move(view));
  }
  return checkpoint;
}

std::int32_t create_network(const MedlsamTorchNetworkOptions* options, void** network) {
  return guarded([&] {
    const Checkpoint weights = to_checkpoint(options->weights, options->weight_count);
    const auto arithmetic = tensor_options(options->device, scalar_type(options->precision));
    *network = (options->network == MEDLSAM_TORCH_SAM
                    ? make_sam(weights, static_cast<SamPart>(options->part), arithmetic)
                    : make_medlam(weights, options->part, arithmetic))
                   .release();
  });
}

std::int32_t run_network(void* network, const MedlsamTorchArray* inputs, std::size_t count,
                         std::int32_t threads, const MedlsamTorchRun* run) {
  return guarded([&] {
    // Of this thread: OpenMP counts threads for each that asks.
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
      create_trainer,
      create_sam_trainer,
      run_trainer,
      validate_trainer,
      save_trainer,
      load_trainer,
      export_trainer,
      trainer_steps,
      destroy_trainer,
  };
  return &table;
}
}
