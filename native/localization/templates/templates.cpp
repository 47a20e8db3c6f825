#include "localization/templates/templates.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.hpp"
#include "base/file_kind.hpp"
#include "base/mapped_file.hpp"
#include "checkpoints/safetensors.hpp"
#include "localization/similarity/similarity.hpp"

namespace medlsam {
namespace {

constexpr std::array<DType, kScales> kKernelType = {DType::kF32, DType::kF16, DType::kF16};

std::string kernel_name(int scale) {
  return "kernel" + std::to_string(scale);
}

std::vector<std::int64_t> kernel_shape(std::size_t points, int channels, int scale) {
  const std::int64_t size = kKernelSize[scale];
  return {static_cast<std::int64_t>(points), channels, size, size, size};
}

const TensorView& tensor(const Checkpoint& file, const std::string& path, const std::string& name,
                         DType dtype, const std::vector<std::int64_t>& shape) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) {
    throw Error(ErrorCode::kBadTemplates, path + ": not a template file: tensor '" + name +
                                              "' is missing. Build one with `medlsam template build`.");
  }
  const TensorView& view = found->second;
  if (view.dtype != dtype || view.shape != shape) {
    throw Error(ErrorCode::kBadTemplates, path + ": tensor '" + name + "' is " + dtype_name(view.dtype) +
                                              ' ' + shape_text(view.shape) + ", wanted " + dtype_name(dtype) +
                                              ' ' + shape_text(shape) +
                                              ". The file is damaged; build it again.");
  }
  return view;
}

template <class T>
TensorView view_of(const std::vector<T>& values, DType dtype, std::vector<std::int64_t> shape) {
  return {dtype, std::move(shape), std::as_bytes(std::span(values))};
}

}  // namespace

Templates::Templates(std::size_t points, int channels)
    : channels_(channels), supports_(points, 0), position_sums_(3 * points, 0.0) {
  for (int k = 0; k < kScales; ++k) kernels_[k].assign(points * kernel_elements(k), 0.0f);
}

std::size_t Templates::kernel_elements(int scale) const {
  const auto size = static_cast<std::size_t>(kKernelSize[scale]);
  return static_cast<std::size_t>(channels_) * size * size * size;
}

std::unique_ptr<Templates> Templates::open(const std::string& path) {
  auto file = MappedFile::open(path);
  if (!is_safetensors(file->bytes())) {
    const std::string kind = file_kind(file->bytes());
    throw Error(ErrorCode::kBadTemplates, path + ": is not a template file" +
                                              (kind.empty() ? "" : "; it looks like " + kind) +
                                              ". Build one with `medlsam template build`.");
  }
  std::unique_ptr<Templates> templates(new Templates());
  try {
    templates->file_ = parse_safetensors(file->bytes(), path);
  } catch (const Error& error) {
    throw Error(ErrorCode::kBadTemplates, std::string(error.what()) +
                                              " Template files are safetensors files that "
                                              "`medlsam template build` writes.");
  }
  templates->file_.storage = file;
  const Checkpoint& content = templates->file_;
  const auto kernel0 = content.tensors.find(kernel_name(0));
  if (kernel0 == content.tensors.end() || kernel0->second.shape.size() != 5 || kernel0->second.shape[1] < 1 ||
      kernel0->second.shape[1] > 65536) {
    throw Error(
        ErrorCode::kBadTemplates,
        path + ": not a template file: it has no tensor 'kernel0'. Build one with `medlsam template build`.");
  }
  const std::size_t points = kernel0->second.shape[0];
  const auto count = static_cast<std::int64_t>(points);
  templates->channels_ = static_cast<int>(kernel0->second.shape[1]);
  for (int k = 0; k < kScales; ++k) {
    tensor(content, path, kernel_name(k), kKernelType[k], kernel_shape(points, templates->channels_, k));
  }
  templates->positions_.resize(3 * points);
  templates->agreement_.resize(points);
  templates->supports_.resize(points);
  to_float32(tensor(content, path, "positions", DType::kF32, {count, 3}), templates->positions_);
  if (!std::all_of(templates->positions_.begin(), templates->positions_.end(),
                   [](float value) { return std::isfinite(value); })) {
    throw Error(ErrorCode::kBadTemplates,
                path + ": a point's position is not a number. The file is damaged; build it again.");
  }
  to_float32(tensor(content, path, "agreement", DType::kF32, {count}), templates->agreement_);
  const TensorView& supports = tensor(content, path, "supports", DType::kI32, {count});
  std::memcpy(templates->supports_.data(), supports.bytes.data(), supports.bytes.size());
  return templates;
}

void Templates::add(std::size_t point, const float* position,
                    const std::array<const float*, kScales>& features, int patch) {
  for (int a = 0; a < 3; ++a) position_sums_[3 * point + a] += position[a];
  for (int k = 0; k < kScales; ++k) {
    const std::size_t elements = kernel_elements(k);
    add_template_kernel(features[k], channels_, patch >> (2 - k), kKernelSize[k],
                        std::span(kernels_[k]).subspan(point * elements, elements));
  }
  ++supports_[point];
}

std::vector<float> Templates::positions() const {
  if (!positions_.empty()) return positions_;
  std::vector<float> means(position_sums_.size());
  for (std::size_t i = 0; i < means.size(); ++i) {
    means[i] = static_cast<float>(position_sums_[i] / std::max(1, supports_[i / 3]));
  }
  return means;
}

std::vector<float> Templates::agreement() const {
  if (!agreement_.empty()) return agreement_;
  std::vector<float> result;
  for (std::size_t point = 0; point < points(); ++point) {
    const double n = supports_[point];
    if (n < 2) {
      result.push_back(std::numeric_limits<float>::quiet_NaN());
      continue;
    }
    // Each support's kernel has unit vectors at its size³ voxels, so |Σ k_s|² / size³ = n + n(n−1)·(mean
    // cosine).
    double sum = 0;
    for (int k = 0; k < kScales; ++k) {
      const std::size_t elements = kernel_elements(k);
      const float* values = kernels_[k].data() + point * elements;
      double square = 0;
      for (std::size_t i = 0; i < elements; ++i) square += static_cast<double>(values[i]) * values[i];
      sum += (square / std::pow(kKernelSize[k], 3) - n) / (n * (n - 1));
    }
    result.push_back(static_cast<float>(sum / kScales));
  }
  return result;
}

void Templates::kernel(std::size_t point, int scale, std::span<float> out) const {
  const std::size_t elements = kernel_elements(scale);
  if (!kernels_[scale].empty()) {
    const float* values = kernels_[scale].data() + point * elements;
    std::copy(values, values + elements, out.begin());
    return;
  }
  TensorView view = file_.tensors.at(kernel_name(scale));
  const std::size_t bytes = elements * dtype_size(view.dtype);
  view.bytes = view.bytes.subspan(point * bytes, bytes);
  view.shape = {static_cast<std::int64_t>(elements)};
  to_float32(view, out.first(elements));
}

void Templates::write(const std::string& path, const std::map<std::string, std::string>& metadata) const {
  const auto count = static_cast<std::int64_t>(points());
  const std::vector<float> mean_positions = positions(), agreements = agreement();
  std::vector<NamedTensor> tensors = {
      {"positions", view_of(mean_positions, DType::kF32, {count, 3})},
      {"supports", view_of(supports_, DType::kI32, {count})},
      {"agreement", view_of(agreements, DType::kF32, {count})},
  };
  std::array<std::vector<std::uint16_t>, kScales> halves;
  for (int k = 0; k < kScales; ++k) {
    const auto shape = kernel_shape(points(), channels_, k);
    if (kernels_[k].empty()) {
      tensors.push_back({kernel_name(k), file_.tensors.at(kernel_name(k))});
    } else if (kKernelType[k] == DType::kF32) {
      tensors.push_back({kernel_name(k), view_of(kernels_[k], DType::kF32, shape)});
    } else {
      halves[k].reserve(kernels_[k].size());
      for (float value : kernels_[k]) halves[k].push_back(float_to_half(value));
      tensors.push_back({kernel_name(k), view_of(halves[k], DType::kF16, shape)});
    }
  }
  write_safetensors(path, tensors, metadata);
}

}  // namespace medlsam
