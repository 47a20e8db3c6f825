#include "checkpoints/convert.hpp"

#include <cmath>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/error.hpp"
#include "checkpoints/safetensors.hpp"

namespace medlsam {
namespace {

constexpr float kGreatestHalf = 65520;  // from here on float16 rounds to infinity

bool is_wider_float(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF64 || dtype == DType::kBF16;
}

std::vector<std::uint16_t> halves(const NamedTensor& named, const std::string& checkpoint) {
  std::vector<float> values(named.tensor.elements());
  to_float32(named.tensor, values);
  std::vector<std::uint16_t> out;
  out.reserve(values.size());
  for (const float value : values) {
    if (!(std::abs(value) < kGreatestHalf)) {
      throw Error(ErrorCode::kBadCheckpoint, checkpoint + ": tensor '" + named.name + "' holds " +
                                                 std::to_string(value) +
                                                 ", which float16 cannot; keep its type.");
    }
    out.push_back(float_to_half(value));
  }
  return out;
}

}  // namespace

void convert_checkpoint(const Checkpoint& checkpoint, const std::string& name, const std::string& path,
                        bool half, const std::map<std::string, std::string>& metadata, const Task& task) {
  std::deque<std::vector<std::uint16_t>> converted;
  std::vector<NamedTensor> tensors;
  for (const auto& [tensor_name, tensor] : checkpoint.tensors) {
    task.check();
    NamedTensor named{tensor_name, tensor};
    if (half && is_wider_float(tensor.dtype)) {
      const auto& kept = converted.emplace_back(halves(named, name));
      named.tensor.dtype = DType::kF16;
      named.tensor.bytes = std::as_bytes(std::span(kept));
    }
    tensors.push_back(std::move(named));
  }
  task.check();
  write_safetensors(path, tensors, metadata);
}

}  // namespace medlsam
