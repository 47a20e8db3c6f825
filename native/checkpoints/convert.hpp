#pragma once

#include <map>
#include <string>

#include "base/task.hpp"
#include "checkpoints/checkpoint.hpp"

namespace medlsam {

// Writes a checkpoint's tensors as safetensors, whole or not at all. `half`: floating-point tensors as
// float16, rounded to nearest; the others unchanged. `name`: the checkpoint's name in messages.
// Throws kBadCheckpoint for a number that float16 cannot hold, kWriteFailed, kAborted.
void convert_checkpoint(const Checkpoint& checkpoint, const std::string& name, const std::string& path,
                        bool half, const std::map<std::string, std::string>& metadata, const Task& task);

}  // namespace medlsam
