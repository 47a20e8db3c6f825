#include "localization/templates/templates.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "base/error.hpp"
#include "base/file_kind.hpp"
#include "base/mapped_file.hpp"
#include "checkpoints/safetensors.hpp"
#include "localization/similarity/similarity.hpp"
#include "localization/templates/packed_kernels.hpp"

namespace medlsam {
namespace {

// More than anybody annotates; a damaged file's count must not overflow.
constexpr std::int32_t kMaxSupports = 1'000'000;
std::string kernel_name(int scale) {
  return "kernel" + std::to_string(scale);
}

std::string scale_name(int scale) {
  return "scale" + std::to_string(scale);
}

// The smallest kernel is float32 in any file.
bool is_packed(KernelType type, int scale) {
  return scale > 0 && type == KernelType::kInt4;
}

DType kernel_dtype(KernelType type, int scale) {
  if (scale == 0) return DType::kF32;
  return type == KernelType::kInt4 ? DType::kU8 : DType::kF16;
}

Shape kernel_shape(KernelType type, std::size_t points, int channels, int scale) {
  const std::int64_t size = kKernelSize[scale];
  return {static_cast<std::int64_t>(points), channels, size, size, is_packed(type, scale) ? size / 2 : size};
}

Shape scale_shape(std::size_t points, int channels) {
  return {static_cast<std::int64_t>(points), channels};
}

const TensorView& tensor(const Checkpoint& file, const std::string& path, const std::string& name,
                         DType dtype, const Shape& shape) {
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
TensorView view_of(const std::vector<T>& values, DType dtype, Shape shape) {
  return {dtype, std::move(shape), std::as_bytes(std::span(values))};
}

}  // namespace

Templates::Templates(std::size_t points, int channels)
    : channels_(channels), supports_(points, 0), position_sums_(3 * points, 0.0), kept_agreement_(points) {
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
  const auto kernel1 = content.tensors.find(kernel_name(1));
  const bool packed = kernel1 != content.tensors.end() && kernel1->second.dtype == DType::kU8;
  const KernelType type = templates->type_ = packed ? KernelType::kInt4 : KernelType::kFloat16;
  for (int k = 0; k < kScales; ++k) {
    const int channels = templates->channels_;
    tensor(content, path, kernel_name(k), kernel_dtype(type, k), kernel_shape(type, points, channels, k));
    if (is_packed(type, k)) tensor(content, path, scale_name(k), DType::kF32, scale_shape(points, channels));
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
  if (!std::all_of(templates->supports_.begin(), templates->supports_.end(),
                   [](std::int32_t number) { return number >= 0 && number <= kMaxSupports; })) {
    throw Error(ErrorCode::kBadTemplates,
                path + ": a point's number of supports is impossible. The file is damaged; build it again.");
  }
  return templates;
}

std::unique_ptr<Templates> Templates::join(std::span<const std::shared_ptr<Templates>> parts) {
  std::size_t points = 0;
  for (const auto& part : parts) points += part->points();
  auto joined = std::make_unique<Templates>(points, parts.empty() ? 0 : parts.front()->channels());
  if (!parts.empty()) joined->type_ = parts.front()->type_;
  std::size_t first = 0;
  for (const auto& part : parts) {
    if (part->channels() != joined->channels()) {
      throw Error(ErrorCode::kBadTemplates, "Templates of " + std::to_string(joined->channels()) +
                                                " and of " + std::to_string(part->channels()) +
                                                " channels cannot be in one file.");
    }
    joined->take_over(*part, first);
    first += part->points();
  }
  return joined;
}

void Templates::take_over(const Templates& part, std::size_t first) {
  const std::vector<float> means = part.positions();
  for (std::size_t point = 0; point < part.points(); ++point) {
    const std::size_t to = first + point;
    supports_[to] = part.supports_[point];
    // Exact, and so is the division that gives the mean again: a float times a whole number fits a double.
    const double count = std::max(1, supports_[to]);
    for (std::size_t a = 0; a < 3; ++a) position_sums_[3 * to + a] = count * means[3 * point + a];
    kept_agreement_[to] = part.kept_agreement_.empty() ? part.agreement_[point] : part.kept_agreement_[point];
    for (int k = 0; k < kScales; ++k) {
      const std::size_t elements = kernel_elements(k);
      part.kernel(point, k, std::span(kernels_[k]).subspan(to * elements, elements));
    }
  }
}

void Templates::add(std::size_t point, const float* position,
                    const std::array<const float*, kScales>& features, int patch) {
  std::array<std::vector<float>, kScales> kernels;
  std::array<const float*, kScales> made{};
  for (int k = 0; k < kScales; ++k) {
    kernels[k].resize(kernel_elements(k));
    add_template_kernel(features[k], channels_, patch >> (2 - k), kKernelSize[k], kernels[k]);
    made[k] = kernels[k].data();
  }
  add_kernels(point, position, made);
}

void Templates::add_kernels(std::size_t point, const float* position,
                            const std::array<const float*, kScales>& kernels) {
  for (int a = 0; a < 3; ++a) position_sums_[3 * point + a] += position[a];
  for (int k = 0; k < kScales; ++k) {
    const std::size_t elements = kernel_elements(k);
    float* sum = kernels_[k].data() + point * elements;
    std::transform(kernels[k], kernels[k] + elements, sum, sum, std::plus<>());
  }
  ++supports_[point];
  kept_agreement_[point].reset();
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
    if (kept_agreement_[point]) {
      result.push_back(*kept_agreement_[point]);
      continue;
    }
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
  const auto of_point = [&](const std::string& name, std::size_t count) {
    TensorView view = file_.tensors.at(name);
    const std::size_t bytes = count * dtype_size(view.dtype);
    view.bytes = view.bytes.subspan(point * bytes, bytes);
    view.shape = {static_cast<std::int64_t>(count)};
    return view;
  };
  if (!is_packed(type_, scale)) {
    to_float32(of_point(kernel_name(scale), elements), out.first(elements));
    return;
  }
  std::vector<float> scales(channels_);
  to_float32(of_point(scale_name(scale), scales.size()), scales);
  unpack_kernel(of_point(kernel_name(scale), elements / 2).bytes, scales, out.first(elements));
}

void Templates::write(const std::string& path, const std::map<std::string, std::string>& metadata,
                      KernelType type) const {
  const auto count = static_cast<std::int64_t>(points());
  const std::vector<float> mean_positions = positions(), agreements = agreement();
  std::vector<NamedTensor> tensors = {
      {"positions", view_of(mean_positions, DType::kF32, {count, 3})},
      {"supports", view_of(supports_, DType::kI32, {count})},
      {"agreement", view_of(agreements, DType::kF32, {count})},
  };
  std::array<StoredKernels, kScales> stored;
  for (int k = 0; k < kScales; ++k) {
    const bool as_it_is = kernels_[k].empty() && (k == 0 || type == type_);
    if (as_it_is) {
      tensors.push_back({kernel_name(k), file_.tensors.at(kernel_name(k))});
      if (is_packed(type, k)) tensors.push_back({scale_name(k), file_.tensors.at(scale_name(k))});
      continue;
    }
    const Shape shape = kernel_shape(type, points(), channels_, k);
    if (k == 0) {
      tensors.push_back({kernel_name(k), view_of(kernels_[k], DType::kF32, shape)});
      continue;
    }
    stored[k] = store(k, type);
    if (type == KernelType::kFloat16) {
      tensors.push_back({kernel_name(k), view_of(stored[k].halves, DType::kF16, shape)});
    } else {
      tensors.push_back({kernel_name(k), view_of(stored[k].packed, DType::kU8, shape)});
      tensors.push_back(
          {scale_name(k), view_of(stored[k].scales, DType::kF32, scale_shape(points(), channels_))});
    }
  }
  write_safetensors(path, tensors, metadata);
}

Templates::StoredKernels Templates::store(int scale, KernelType type) const {
  StoredKernels stored;
  const std::size_t elements = kernel_elements(scale);
  std::vector<float> values(elements);
  if (type == KernelType::kInt4) {
    stored.packed.resize(points() * elements / 2);
    stored.scales.resize(points() * channels_);
  } else {
    stored.halves.reserve(points() * elements);
  }
  for (std::size_t point = 0; point < points(); ++point) {
    kernel(point, scale, values);
    if (type == KernelType::kInt4) {
      pack_kernel(values, std::span(stored.packed).subspan(point * elements / 2, elements / 2),
                  std::span(stored.scales).subspan(point * channels_, channels_));
    } else {
      for (float value : values) stored.halves.push_back(float_to_half(value));
    }
  }
  return stored;
}

}  // namespace medlsam
