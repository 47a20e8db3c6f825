#pragma once

#include <map>
#include <string>

#include "base/task.hpp"
#include "checkpoints/checkpoint.hpp"

namespace medlsam {

// How floating-point tensors are stored: unchanged; as float16, rounded to nearest; or in eight bits where
// that suits their shape, the others as float16 (int8.hpp).
enum class WeightStorage { kUnchanged, kFloat16, kInt8 };

// Writes a checkpoint's tensors as safetensors, whole or not at all; what holds no floating-point numbers
// stays as it is. `name`: the checkpoint's name in messages. Throws kBadCheckpoint for a number that
// `storage` cannot hold, kWriteFailed, kAborted.
void convert_checkpoint(const Checkpoint& checkpoint, const std::string& name, const std::string& path,
                        WeightStorage storage, const std::map<std::string, std::string>& metadata,
                        const Task& task);

}  // namespace medlsam
