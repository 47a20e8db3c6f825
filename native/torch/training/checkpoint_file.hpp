// Writes the tensors of a training run to a safetensors file and reads them back.
#pragma once

#include <ATen/ATen.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "checkpoints/safetensors.hpp"
#include "torch/aten/execute.hpp"

namespace medlsam::training {

using Metadata = std::map<std::string, std::string>;

class CheckpointWriter {
 public:
  // float32 and float64.
  void add(const std::string& name, const at::Tensor& tensor);
  void add(const std::string& prefix, const torch::WeightMap& tensors);
  // Sets the order in which the tensors are written; unnamed ones come last.
  void sort(const std::vector<std::string>& names);
  // safetensors, or as torch.save for a path that ends with .pth, then without metadata. Atomic. Throws
  // kWriteFailed.
  void write(const std::string& path, const Metadata& metadata) const;

 private:
  std::deque<at::Tensor> kept_;  // on the CPU
  std::vector<NamedTensor> named_;
};

class CheckpointReader {
 public:
  // Throws kFileNotFound, kReadFailed, kBadCheckpoint: not of `format`, or of a run with other `settings`.
  CheckpointReader(const std::string& path, const std::string& format, const Metadata& settings);

  std::int64_t steps() const { return steps_; }
  // Copies the file's values into a tensor of the same type and shape. Throws kBadCheckpoint.
  void read(const std::string& name, const at::Tensor& tensor) const;
  void read(const std::string& prefix, const torch::WeightMap& tensors) const;

 private:
  [[noreturn]] void refuse(const std::string& why) const;
  std::string metadata(const std::string& key) const;

  std::string path_;
  Checkpoint file_;
  std::int64_t steps_ = 0;
};

// The settings with the file's format and the steps done: a checkpoint's metadata.
Metadata checkpoint_metadata(Metadata settings, const std::string& format, std::int64_t steps);

// The files' names without their folders, as settings list them.
std::string names_of(const std::vector<std::string>& paths);

}  // namespace medlsam::training
