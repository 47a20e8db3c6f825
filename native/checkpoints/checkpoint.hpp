// Reads files of weights without executing them: PyTorch's zip archives and pre-1.6 pickle streams
// (algorithm.md part 2), including training checkpoints, and safetensors.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.hpp"

namespace medlsam {

// Adam's state for one parameter: running averages of its gradients and of their squares, in its shape.
struct AdamState {
  TensorView mean, variance;
  std::int64_t steps = 0;
};

struct Checkpoint {
  // "pytorch zip", "pytorch legacy", "safetensors" or "safetensors int8" (int8.hpp).
  std::string format;
  // Tensors of the model by name, without a leading "module." if all names have it. For a training checkpoint
  // these are the tensors of its `state_dict`.
  std::map<std::string, TensorView> tensors;
  // Other entries of a training checkpoint's top level, or safetensors' __metadata__, as text ("epoch" →
  // "3").
  std::map<std::string, std::string> metadata;
  // Adam's state by the parameter's name; empty unless this is a training checkpoint that has it.
  std::map<std::string, AdamState> adam;
  // Keeps the bytes of the tensors alive: the mapped file, and what was unpacked.
  std::shared_ptr<const void> storage;
};

// Maps the file; reads no tensor data but weights in eight bits, which become float32. Throws kFileNotFound,
// kReadFailed, kBadCheckpoint (naming the file, what was wrong and, for a refused pickle, the opcode or
// global).
Checkpoint open_checkpoint(const std::string& path);

// The prefixes under which a tensor called PREFIX.`tensor` is found, such as "sam" for "sam.tensor".
std::vector<std::string> prefixes_of(const Checkpoint& checkpoint, std::string_view tensor);

// Undoes the prefix that all tensors of a network have if it was saved as a part of another module. If
// `tensor`, one of the network's, is found under exactly one prefix and not without a prefix, removes the
// prefix from all names that have it, Adam's too, and drops the other tensors, which are not the network's.
void strip_prefix(Checkpoint& checkpoint, std::string_view tensor);

}  // namespace medlsam
