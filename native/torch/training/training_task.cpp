#include "torch/training/training_task.hpp"

#include "base/error.hpp"
#include "torch/aten/arithmetic.hpp"

namespace medlsam::training {

using at::Tensor;

void TrainingStep::begin(const std::vector<std::int64_t>&, Peers&) {}

TrainingTask::TrainingTask(const TrainerOptions& options)
    : arithmetic_(torch::tensor_options(options.device, at::kFloat)) {
  if (options.scans.empty()) throw Error(ErrorCode::kBadArgument, "There is no scan to train on.");
}

void TrainingTask::adopt_weights(const std::map<std::string, TensorView>& tensors,
                                 const std::function<bool(const std::string&)>& is_trained,
                                 double weight_decay, Decay decay) {
  torch::WeightMap trained;
  for (const auto& [name, view] : tensors) {
    const auto* data = reinterpret_cast<const float*>(view.bytes.data());
    const Tensor value = at::from_blob(const_cast<float*>(data), view.shape, at::kFloat);
    weights_[name] = value.to(arithmetic_, false, true);
    if (is_trained(name)) trained[name] = weights_[name].set_requires_grad(true);
  }
  optimizer_ = std::make_unique<Optimizer>(trained, weight_decay, decay);
}

}  // namespace medlsam::training
