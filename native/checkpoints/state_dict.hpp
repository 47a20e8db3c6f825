// The tensors of a model in a PyTorch file.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>

#include "checkpoints/checkpoint.hpp"
#include "checkpoints/pickle.hpp"

namespace medlsam {

using Storages = std::map<std::string, std::span<const std::byte>, std::less<>>;  // bytes by a storage's key

// Fills tensors and metadata from the file's main pickle: its top-level dictionary, or the one under
// "state_dict", "model" or "model_state_dict" there. Every tensor is checked against its storage. Throws
// kBadCheckpoint.
Checkpoint read_state_dict(const Pickle& pickle, const Storages& storages, const std::string& name);

}  // namespace medlsam
