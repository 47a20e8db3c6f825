// How a SamTrainer is kept: one safetensors file that also loads as a SAM checkpoint.
#include "torch/training/checkpoint_file.hpp"
#include "torch/training/sam_trainer.hpp"

namespace medlsam::training {
namespace {

constexpr const char* kFormat = "medlsam SAM training checkpoint 1";

std::string sizes_text(const SamWeights& sam) {
  std::string text;
  for (const int size : {sam.image_size(), sam.patch(), sam.width(), sam.heads(), sam.channels()})
    text += std::to_string(size) + ' ';
  for (int block = 0; block < sam.depth(); ++block) text += std::to_string(sam.window(block)) + ' ';
  return text;
}

}  // namespace

// What a resumed run must share with the run that was saved.
Metadata SamTrainer::settings() const {
  return {{"sizes", sizes_text(*layout_)},
          {"checkpoint", options_.from.empty() ? "none" : options_.from},
          {"trained part", options_.from.empty() ? "all"
                           : options_.encoder    ? "encoder, decoder"
                                                 : "decoder"},
          {"batch", std::to_string(options_.batch)},
          {"number of prompts", std::to_string(options_.prompts)},
          {"jitter", std::to_string(options_.jitter)},
          {"epoch steps", std::to_string(options_.epoch_steps)},
          {"number of epochs", std::to_string(options_.epochs)},
          {"seed", std::to_string(options_.seed)},
          {"learning rate", std::to_string(options_.learning_rate)},
          {"precision", at::toString(options_.precision)},
          {"scans", names_of(options_.scans)}};
}

void SamTrainer::save(const std::string& path) const {
  CheckpointWriter writer;
  writer.add("", weights_);
  optimizer_->save(writer);
  writer.write(path, checkpoint_metadata(settings(), kFormat, steps_));
}

void SamTrainer::load(const std::string& path) {
  const CheckpointReader reader(path, kFormat, settings());
  reader.read("", weights_);
  optimizer_->load(reader);
  steps_ = reader.steps();
  loader_.reset();
}

void SamTrainer::export_model(const std::string& path) const {
  CheckpointWriter writer;
  writer.add("", weights_);
  writer.write(path, {{"step", std::to_string(steps_)}});
}

}  // namespace medlsam::training
