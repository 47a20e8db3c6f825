#include "checkpoints/convert.hpp"

#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "checkpoints/int8.hpp"
#include "checkpoints/safetensors.hpp"

namespace medlsam {
namespace {

constexpr float kGreatestHalf = 65520;  // from here on float16 rounds to infinity

bool is_float(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF64 || dtype == DType::kBF16 || dtype == DType::kF16;
}

// Tensors to be written, and the converted ones among them.
class Converted {
 public:
  Converted(WeightStorage storage, const std::string& checkpoint)
      : storage_(storage), checkpoint_(checkpoint) {}

  void add(const std::string& name, const TensorView& tensor) {
    if (storage_ == WeightStorage::kInt8 && is_float(tensor.dtype) && suits_int8(tensor.shape)) {
      add_int8(name, tensor);
    } else if (storage_ != WeightStorage::kUnchanged && is_float(tensor.dtype) &&
               tensor.dtype != DType::kF16) {
      add_half(name, tensor);
    } else {
      tensors_.push_back({name, tensor});
    }
  }

  const std::vector<NamedTensor>& tensors() const { return tensors_; }

 private:
  void add_half(const std::string& name, const TensorView& tensor) {
    auto& kept = halves_.emplace_back();
    kept.reserve(tensor.elements());
    for (const float value : values_below(kGreatestHalf, "float16", name, tensor)) {
      kept.push_back(float_to_half(value));
    }
    tensors_.push_back({name, {DType::kF16, tensor.shape, std::as_bytes(std::span(kept))}});
  }

  void add_int8(const std::string& name, const TensorView& tensor) {
    const auto values = values_below(std::numeric_limits<float>::infinity(), "int8", name, tensor);
    const Int8Weights& kept = packed_.emplace_back(pack_int8(values, tensor.shape));
    tensors_.push_back({name, {DType::kI8, tensor.shape, std::as_bytes(std::span(kept.numbers))}});
    tensors_.push_back(
        {int8_scale_name(name), {DType::kF32, kept.scales_shape, std::as_bytes(std::span(kept.scales))}});
  }

  std::vector<float> values_below(float limit, const char* type, const std::string& name,
                                  const TensorView& tensor) const {
    std::vector<float> values(tensor.elements());
    to_float32(tensor, values);
    for (const float value : values) {
      if (!(std::abs(value) < limit)) {
        throw Error(ErrorCode::kBadCheckpoint, checkpoint_ + ": tensor '" + name + "' holds " +
                                                   std::to_string(value) + ", which " + type +
                                                   " cannot; keep its type.");
      }
    }
    return values;
  }

  WeightStorage storage_;
  const std::string& checkpoint_;
  std::vector<NamedTensor> tensors_;
  std::deque<std::vector<std::uint16_t>> halves_;
  std::deque<Int8Weights> packed_;
};

}  // namespace

void convert_checkpoint(const Checkpoint& checkpoint, const std::string& name, const std::string& path,
                        WeightStorage storage, const std::map<std::string, std::string>& metadata,
                        const Task& task) {
  Converted converted(storage, name);
  for (const auto& [tensor_name, tensor] : checkpoint.tensors) {
    task.check();
    converted.add(tensor_name, tensor);
  }
  task.check();
  write_safetensors(path, converted.tensors(), metadata);
}

}  // namespace medlsam
