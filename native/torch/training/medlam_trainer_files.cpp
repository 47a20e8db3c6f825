// How a Trainer is kept: one safetensors file that also loads as a MedLAM checkpoint.
#include "torch/training/checkpoint_file.hpp"
#include "torch/training/medlam_trainer.hpp"

namespace medlsam::training {
namespace {

constexpr const char* kFormat = "medlsam training checkpoint 1";

}  // namespace

// What a resumed run must share with the run that was saved.
Metadata Trainer::settings() const {
  return {{"width", std::to_string(options_.width)},
          {"patch", std::to_string(options_.patch)},
          {"batch", std::to_string(options_.batch)},
          {"epoch steps", std::to_string(options_.epoch_steps)},
          {"UAM steps", std::to_string(options_.uam_steps)},
          {"foreground", std::to_string(options_.foreground.center)},
          {"seed", std::to_string(options_.seed)},
          {"learning rate", std::to_string(options_.learning_rate)},
          {"precision", at::toString(options_.precision)},
          {"scans", names_of(options_.scans)}};
}

void Trainer::save(const std::string& path) const {
  CheckpointWriter writer;
  writer.add("", weights_);
  optimizer_->save(writer);
  writer.write(path, checkpoint_metadata(settings(), kFormat, steps_));
}

void Trainer::load(const std::string& path) {
  const CheckpointReader reader(path, kFormat, settings());
  reader.read("", weights_);
  optimizer_->load(reader);
  steps_ = reader.steps();
  loader_.reset();
}

void Trainer::export_model(const std::string& path) const {
  // The published code loads its .pth into a network within DataParallel.
  const std::string prefix = path.ends_with(".pth") ? "module." : "";
  CheckpointWriter writer;
  writer.add(prefix, weights_);
  // Never trained and never used, but the published code insists on having it.
  const std::string unused = prefix + "classification.0.";
  writer.add(unused + "weight", at::zeros({3, 4 * options_.width, 1, 1, 1}));
  writer.add(unused + "bias", at::zeros({3}));
  // In the order of the published network's modules, by which its optimizer numbers them.
  std::vector<std::string> names;
  for (const NamedShape& tensor : medlam_tensors(options_.width, options_.patch)) {
    if (tensor.name == "fc1.weight") names.insert(names.end(), {unused + "weight", unused + "bias"});
    names.push_back(prefix + tensor.name);
  }
  writer.sort(names);
  writer.write(path, {{"step", std::to_string(steps_)}});
}

}  // namespace medlsam::training
