// Writes state dicts as torch.save does, for programs in Python.
#pragma once

#include <span>
#include <string>

#include "checkpoints/safetensors.hpp"

namespace medlsam {

// An archive that torch.load reads, with weights_only too: an OrderedDict of tensors in the order given, each
// in a storage of its own, 64-byte aligned. Atomic. Throws kWriteFailed; kBadArgument for other types than
// floating-point ones, and for 4 GB and more, which would need zip64.
void write_torch(const std::string& path, std::span<const NamedTensor> tensors);

}  // namespace medlsam
