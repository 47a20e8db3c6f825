// Reads the files weights come in, without running them: PyTorch zip archives and pre-1.6 pickle streams
// (algorithm.md part 2), training checkpoints among them, and safetensors.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.hpp"

namespace medlsam {

// What Adam keeps of one parameter: running averages of its gradients and of their squares, in its shape.
struct AdamState {
  TensorView mean, variance;
  std::int64_t steps = 0;
};

struct Checkpoint {
  // "pytorch zip", "pytorch legacy" or "safetensors".
  std::string format;
  // Tensors of the model by name, a leading "module." removed from every name when all have it. For a
  // training checkpoint these are the tensors of its `state_dict`.
  std::map<std::string, TensorView> tensors;
  // What else a training checkpoint's top level or safetensors' __metadata__ says, as text ("epoch" → "3").
  std::map<std::string, std::string> metadata;
  // Of a training checkpoint with an optimizer that was Adam, by the parameter's name; empty otherwise.
  std::map<std::string, AdamState> adam;
  // Keeps the bytes of the tensors alive: the mapped file.
  std::shared_ptr<const void> storage;
};

// Maps the file; reads no tensor data. Throws kFileNotFound, kReadFailed, kBadCheckpoint (naming the file,
// what was wrong and, for a refused pickle, the opcode or global).
Checkpoint open_checkpoint(const std::string& path);

// What stands before `.tensor` in the names of the tensors, once for every tensor of that name: "sam" for
// "sam.tensor". Empty where no name ends in it.
std::vector<std::string> prefixes_of(const Checkpoint& checkpoint, std::string_view tensor);

// A network saved as a part of another module has that part's name before all of its tensors. Where `tensor`,
// one of the network's, is found under exactly one prefix and not without one, removes the prefix from all
// names that have it, Adam's too, and drops the tensors that do not: they are not the network's.
void strip_prefix(Checkpoint& checkpoint, std::string_view tensor);

}  // namespace medlsam
