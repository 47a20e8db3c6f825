// Weights stored as whole numbers of eight bits, in safetensors: a tensor NAME of type I8, and
// NAME.int8_scale, F32, by which its numbers are multiplied. The scale's shape is that of the leading axes of
// the tensor's, so that each scale is of one contiguous row: [out] for the weight [out, in, 3, 3, 3] of a
// convolution.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "checkpoints/checkpoint.hpp"

namespace medlsam {

struct Int8Weights {
  std::vector<std::int8_t> numbers;  // -127 … 127
  std::vector<float> scales;
  Shape scales_shape;
};

std::string int8_scale_name(const std::string& tensor);

// Whether eight bits are for a tensor of this shape: they are for large ones of two axes and more. The
// others, among them first and last layers of MedLAM, weigh little.
bool suits_int8(std::span<const std::int64_t> shape);

// The nearest whole numbers, the greatest of each row being 127. The values must be finite, and `shape` suit.
Int8Weights pack_int8(std::span<const float> values, std::span<const std::int64_t> shape);

// Makes each I8 tensor that has a scale float32, takes the scales out, and says so in `format`. A checkpoint
// without scales stays as it is. `name`: the file's name in messages. Throws kBadCheckpoint for a scale of
// another type or shape than its tensor needs, one that is no finite number, or one without an I8 tensor.
void unpack_int8(Checkpoint& checkpoint, const std::string& name);

}  // namespace medlsam
