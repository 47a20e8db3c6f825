// How a Trainer is kept: one safetensors file that also loads as a MedLAM checkpoint.
#include <cstring>
#include <deque>

#include "core/checkpoints/safetensors.hpp"
#include "training/trainer.hpp"

namespace medlsam::training {
namespace {

using at::Tensor;

constexpr const char *kFormat = "medlsam training checkpoint 1", *kMean = "adam.mean.",
                     *kVariance = "adam.variance.", *kUsualNorm = "gradient.usual_norm";

// Tensors on their way to a file, on the CPU.
class Writer {
 public:
  void add(const std::string& name, const Tensor& tensor) {
    const Tensor& kept = kept_.emplace_back(tensor.detach().to(at::kCPU).contiguous());
    const auto* data = static_cast<const std::byte*>(kept.const_data_ptr());
    const DType type = kept.scalar_type() == at::kDouble ? DType::kF64 : DType::kF32;
    named_.push_back({name, {type, kept.sizes().vec(), {data, kept.nbytes()}}});
  }
  void add(const std::string& prefix, const torch::WeightMap& tensors) {
    for (const auto& [name, tensor] : tensors) add(prefix + name, tensor);
  }
  void write(const std::string& path, const std::map<std::string, std::string>& metadata) const {
    write_safetensors(path, named_, metadata);
  }

 private:
  std::deque<Tensor> kept_;
  std::vector<NamedTensor> named_;
};

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::kBadCheckpoint, path + ": " + why);
}

// Copies the file's bytes into the tensor, of the same type and shape.
void read_into(const Checkpoint& file, const std::string& path, const std::string& name,
               const Tensor& tensor) {
  const auto found = file.tensors.find(name);
  const DType type = tensor.scalar_type() == at::kDouble ? DType::kF64 : DType::kF32;
  if (found == file.tensors.end() || found->second.dtype != type ||
      at::IntArrayRef(found->second.shape) != tensor.sizes())
    refuse(path, "tensor '" + name +
                     "' is missing or has another shape; the file is damaged. Resume from another.");
  const Tensor values = at::empty(tensor.sizes(), tensor.scalar_type());
  std::memcpy(values.mutable_data_ptr(), found->second.bytes.data(), found->second.bytes.size());
  const c10::NoGradGuard no_gradient;
  tensor.copy_(values);
}

}  // namespace

// What a resumed run must share with the run that was saved.
std::map<std::string, std::string> Trainer::settings() const {
  std::string scans;
  for (const std::string& path : options_.scans) scans += path.substr(path.find_last_of('/') + 1) + ' ';
  return {{"width", std::to_string(options_.width)},
          {"patch", std::to_string(options_.patch)},
          {"batch", std::to_string(options_.batch)},
          {"epoch steps", std::to_string(options_.epoch_steps)},
          {"UAM steps", std::to_string(options_.uam_steps)},
          {"seed", std::to_string(options_.seed)},
          {"learning rate", std::to_string(options_.learning_rate)},
          {"precision", at::toString(options_.precision)},
          {"scans", scans}};
}

void Trainer::save(const std::string& path) const {
  Writer writer;
  writer.add("", weights_);
  writer.add(kMean, mean_);
  writer.add(kVariance, variance_);
  writer.add(kUsualNorm, usual_norm_);
  auto metadata = settings();
  metadata["format"] = kFormat;
  metadata["step"] = std::to_string(steps_);
  writer.write(path, metadata);
}

void Trainer::load(const std::string& path) {
  const Checkpoint file = open_checkpoint(path);
  const auto said = [&](const std::string& key) {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? std::string() : found->second;
  };
  if (said("format") != kFormat) refuse(path, "not a training checkpoint of medlsam.");
  for (const auto& [key, value] : settings()) {
    if (said(key) != value) {
      refuse(
          path,
          "was made with another " + key + " ('" + said(key) + "', now '" + value +
              "'). Resume with the options and scans the run was begun with, or train into another folder.");
    }
  }
  const std::string step = said("step");
  if (step.empty() || step.size() > 15 || step.find_first_not_of("0123456789") != std::string::npos)
    refuse(path, "its step is '" + step + "', not a number; the file is damaged. Resume from another.");
  for (const auto& [name, tensor] : weights_) read_into(file, path, name, tensor);
  for (const auto& [name, tensor] : mean_) read_into(file, path, kMean + name, tensor);
  for (const auto& [name, tensor] : variance_) read_into(file, path, kVariance + name, tensor);
  read_into(file, path, kUsualNorm, usual_norm_);
  steps_ = std::stoll(step);
  loader_.reset();
}

void Trainer::export_model(const std::string& path) const {
  Writer writer;
  writer.add("", weights_);
  // Never trained and never used, but the published code insists on having it.
  writer.add("classification.0.weight", at::zeros({3, 4 * options_.width, 1, 1, 1}));
  writer.add("classification.0.bias", at::zeros({3}));
  writer.write(path, {{"step", std::to_string(steps_)}});
}

}  // namespace medlsam::training
