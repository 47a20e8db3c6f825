#include "torch/training/checkpoint_file.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "checkpoints/torch_write.hpp"

namespace medlsam::training {
namespace {

using at::Tensor;

constexpr const char *kFormat = "format", *kStep = "step";

DType type_of(const Tensor& tensor) {
  return tensor.scalar_type() == at::kDouble ? DType::kF64 : DType::kF32;
}

}  // namespace

void CheckpointWriter::add(const std::string& name, const Tensor& tensor) {
  const Tensor& kept = kept_.emplace_back(tensor.detach().to(at::kCPU).contiguous());
  const auto* data = static_cast<const std::byte*>(kept.const_data_ptr());
  named_.push_back({name, {type_of(kept), kept.sizes().vec(), {data, kept.nbytes()}}});
}

void CheckpointWriter::add(const std::string& prefix, const torch::WeightMap& tensors) {
  for (const auto& [name, tensor] : tensors) add(prefix + name, tensor);
}

void CheckpointWriter::sort(const std::vector<std::string>& names) {
  const auto place = [&](const NamedTensor& named) {
    return std::find(names.begin(), names.end(), named.name) - names.begin();
  };
  std::ranges::stable_sort(named_, {}, place);
}

void CheckpointWriter::write(const std::string& path, const Metadata& metadata) const {
  if (path.ends_with(".pth")) return write_torch(path, named_);
  write_safetensors(path, named_, metadata);
}

CheckpointReader::CheckpointReader(const std::string& path, const std::string& format,
                                   const Metadata& settings)
    : path_(path), file_(open_checkpoint(path)) {
  if (metadata(kFormat) != format) refuse("not a training checkpoint of medlsam.");
  for (const auto& [key, value] : settings) {
    if (metadata(key) != value) {
      refuse("was made with another " + key + " ('" + metadata(key) + "', now '" + value +
             "'). Resume with the options and scans the run was begun with, or train into another folder.");
    }
  }
  const std::string step = metadata(kStep);
  if (step.empty() || step.size() > 15 || step.find_first_not_of("0123456789") != std::string::npos)
    refuse("its step is '" + step + "', not a number; the file is damaged. Resume from another.");
  steps_ = std::stoll(step);
}

void CheckpointReader::refuse(const std::string& why) const {
  throw Error(ErrorCode::kBadCheckpoint, path_ + ": " + why);
}

std::string CheckpointReader::metadata(const std::string& key) const {
  const auto found = file_.metadata.find(key);
  return found == file_.metadata.end() ? std::string() : found->second;
}

void CheckpointReader::read(const std::string& name, const Tensor& tensor) const {
  const auto found = file_.tensors.find(name);
  if (found == file_.tensors.end() || found->second.dtype != type_of(tensor) ||
      at::IntArrayRef(found->second.shape) != tensor.sizes())
    refuse("tensor '" + name +
           "' is missing or has another shape; the file is damaged. Resume from another.");
  const Tensor values = at::empty(tensor.sizes(), tensor.scalar_type());
  std::memcpy(values.mutable_data_ptr(), found->second.bytes.data(), found->second.bytes.size());
  const c10::NoGradGuard no_gradient;
  tensor.copy_(values);
}

void CheckpointReader::read(const std::string& prefix, const torch::WeightMap& tensors) const {
  for (const auto& [name, tensor] : tensors) read(prefix + name, tensor);
}

Metadata checkpoint_metadata(Metadata settings, const std::string& format, std::int64_t steps) {
  settings[kFormat] = format;
  settings[kStep] = std::to_string(steps);
  return settings;
}

std::string names_of(const std::vector<std::string>& paths) {
  std::string names;
  for (const std::string& path : paths) names += path.substr(path.find_last_of('/') + 1) + ' ';
  return names;
}

}  // namespace medlsam::training
