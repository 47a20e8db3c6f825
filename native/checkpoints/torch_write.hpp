// Writes state dicts in torch.save's format, for programs in Python.
#pragma once

#include <span>
#include <string>

#include "checkpoints/safetensors.hpp"

namespace medlsam {

// Writes an archive that torch.load reads, also with weights_only: an OrderedDict of tensors in the given
// order, each in its own storage, 64-byte aligned. Atomic. Throws kWriteFailed; kBadArgument for types that
// are not floating-point, and for 4 GB or more, which would need zip64.
void write_torch(const std::string& path, std::span<const NamedTensor> tensors);

}  // namespace medlsam
