#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "checkpoints/checkpoint.hpp"

namespace medlsam {

// Whether a file begins as safetensors do: a header length below 2^56, then the JSON object of the header.
bool is_safetensors(std::span<const std::byte> bytes);

// Parses safetensors bytes: 8-byte little-endian header length, JSON header, tensors. Views point into
// `bytes`. `name`: the file's name in messages. Throws kBadCheckpoint.
Checkpoint parse_safetensors(std::span<const std::byte> bytes, const std::string& name);

struct NamedTensor {
  std::string name;
  TensorView tensor;
};

// Writes a safetensors file atomically, tensors in the given order, their data 64-byte aligned.
// Throws kWriteFailed.
void write_safetensors(const std::string& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace medlsam
