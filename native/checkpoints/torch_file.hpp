// Files written by torch.save: zip archives, and the pickle streams of PyTorch before 1.6.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "checkpoints/checkpoint.hpp"

namespace medlsam {

// Parses either form. Views point into `bytes`; storage is left empty. `name`: the file's name in messages.
// Throws kBadCheckpoint.
Checkpoint parse_torch(std::span<const std::byte> bytes, const std::string& name);

}  // namespace medlsam
