#include "checkpoints/int8.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>

#include "base/error.hpp"
#include "checkpoints/bytes.hpp"

namespace medlsam {
namespace {

constexpr const char* kScale = ".int8_scale";
constexpr int kLargest = 127;
constexpr std::size_t kLeastElements = 1024;  // of a tensor that is worth a scale a row

// Rows are along the first axis, or along all but the last one where the first has a single element, as in
// tables of positions.
std::size_t scaled_axes(std::span<const std::int64_t> shape) {
  return shape[0] > 1 ? 1 : shape.size() - 1;
}

void pack_row(std::span<const float> row, std::int8_t* numbers, float& scale) {
  float largest = 0;
  for (const float value : row) largest = std::max(largest, std::abs(value));
  scale = largest / kLargest;
  for (const float value : row) {
    const long nearest = scale > 0 ? std::lround(value / scale) : 0;
    *numbers++ = static_cast<std::int8_t>(std::clamp<long>(nearest, -kLargest, kLargest));
  }
}

class Unpacking {
 public:
  Unpacking(Checkpoint& checkpoint, const std::string& name) : checkpoint_(checkpoint), name_(name) {}

  // A tensor, given the name of its scale.
  void unpack(const std::string& scale_name) {
    const auto found = checkpoint_.tensors.find(scale_name.substr(0, scale_name.size() - suffix().size()));
    if (found == checkpoint_.tensors.end() || found->second.dtype != DType::kI8) {
      refuse(scale_name, "scales no tensor of type I8");
    }
    const std::vector<float> scales = checked_scales(scale_name, found->second);
    TensorView& tensor = found->second;
    auto& values = values_->emplace_back(tensor.elements());
    const std::size_t row = scales.empty() ? 0 : values.size() / scales.size();
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = scales[i / row] * static_cast<float>(load_number<std::int8_t>(tensor.bytes, i));
    }
    tensor.dtype = DType::kF32;
    tensor.bytes = std::as_bytes(std::span(values));
    checkpoint_.tensors.erase(scale_name);
  }

  static std::string_view suffix() { return kScale; }

  // The checkpoint keeps its file, for the tensors that were left alone, and what was unpacked.
  void keep() {
    checkpoint_.storage =
        std::make_shared<const std::pair<std::shared_ptr<const void>, Values>>(checkpoint_.storage, values_);
    checkpoint_.format += " int8";
  }

 private:
  using Values = std::shared_ptr<std::deque<std::vector<float>>>;

  std::vector<float> checked_scales(const std::string& scale_name, const TensorView& tensor) const {
    const TensorView& scale = checkpoint_.tensors.at(scale_name);
    const Shape& rows = scale.shape;
    const bool leads = !rows.empty() && rows.size() <= tensor.shape.size() &&
                       std::equal(rows.begin(), rows.end(), tensor.shape.begin());
    if (scale.dtype != DType::kF32 || !leads) {
      refuse(scale_name, "is " + std::string(dtype_name(scale.dtype)) + " of shape " + shape_text(rows) +
                             ", wanted F32 of the leading axes of the tensor's " + shape_text(tensor.shape));
    }
    std::vector<float> scales(scale.elements());
    to_float32(scale, scales);
    if (!std::ranges::all_of(scales, [](float value) { return std::isfinite(value); })) {
      refuse(scale_name, "holds a number that is not finite");
    }
    return scales;
  }

  [[noreturn]] void refuse(const std::string& scale_name, const std::string& what) const {
    throw Error(ErrorCode::kBadCheckpoint, name_ + ": '" + scale_name + "' " + what +
                                               "; the file is damaged or not by `medlsam models convert "
                                               "--int8`: convert the original again.");
  }

  Checkpoint& checkpoint_;
  const std::string& name_;
  Values values_ = std::make_shared<std::deque<std::vector<float>>>();
};

}  // namespace

std::string int8_scale_name(const std::string& tensor) {
  return tensor + kScale;
}

bool suits_int8(std::span<const std::int64_t> shape) {
  return shape.size() >= 2 && shape_elements(shape) >= kLeastElements;
}

Int8Weights pack_int8(std::span<const float> values, std::span<const std::int64_t> shape) {
  const auto leading = shape.first(scaled_axes(shape));
  Int8Weights packed;
  packed.scales_shape.assign(leading.begin(), leading.end());
  packed.scales.resize(shape_elements(leading));
  packed.numbers.resize(values.size());
  const std::size_t row = values.size() / packed.scales.size();
  for (std::size_t i = 0; i < packed.scales.size(); ++i) {
    pack_row(values.subspan(i * row, row), packed.numbers.data() + i * row, packed.scales[i]);
  }
  return packed;
}

void unpack_int8(Checkpoint& checkpoint, const std::string& name) {
  std::vector<std::string> scales;
  for (const auto& [tensor, view] : checkpoint.tensors) {
    if (tensor.ends_with(kScale)) scales.push_back(tensor);
  }
  if (scales.empty()) return;
  Unpacking unpacking(checkpoint, name);
  for (const std::string& scale : scales) unpacking.unpack(scale);
  unpacking.keep();
}

}  // namespace medlsam
