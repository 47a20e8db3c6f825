#include "networks/parameters.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/error.hpp"

namespace medlsam {
namespace {

// A tensor that only this network has, to say what a refused checkpoint is.
constexpr std::pair<const char*, const char*> kKnown[] = {
    {"conv0_1.model.conv1_1.Conv.weight", "MedLAM"},
    {"image_encoder.patch_embed.proj.weight", "SAM"},
    {"image_encoder.trunk.patch_embed.proj.weight", "SAM 2"},
    {"image_encoder.patch_embed.seq.0.c.weight", "MobileSAM"},
};

}  // namespace

Parameters::Parameters(const Checkpoint& checkpoint, std::string network, std::string path,
                       std::string_view known)
    : checkpoint_(checkpoint),
      network_(std::move(network)),
      path_(std::move(path)),
      storage_(checkpoint.storage) {
  const std::vector<std::string> prefixes = prefixes_of(checkpoint_, known);
  if (prefixes.size() > 1 && !checkpoint_.tensors.contains(std::string(known))) {
    refuse("it holds more than one network, '" + prefixes[0] + "' and '" + prefixes[1] +
           "' among them. Save one of them alone.");
  }
  strip_prefix(checkpoint_, known);
}

void Parameters::refuse(const std::string& what) const {
  throw Error(ErrorCode::kBadCheckpoint, path_ + ": not a " + network_ + " checkpoint: " + what);
}

const TensorView& Parameters::find(const std::string& name) const {
  const auto& tensors = checkpoint_.tensors;
  const auto found = tensors.find(name);
  if (found != tensors.end()) return found->second;
  std::string hint = "It holds " + std::to_string(tensors.size()) + " other tensors";
  if (!tensors.empty()) hint += ", '" + tensors.begin()->first + "' the first";
  for (const auto& [tensor, known] : kKnown) {
    const bool found_here = tensors.contains(tensor) || !prefixes_of(checkpoint_, tensor).empty();
    if (known != network_ && found_here) hint = std::string("It looks like a ") + known + " checkpoint";
  }
  refuse("tensor '" + name + "' is missing. " + hint + "; `medlsam models inspect` lists what is in it.");
}

const std::vector<std::int64_t>& Parameters::shape(const std::string& name, std::size_t rank) const {
  const auto& found = find(name).shape;
  if (found.size() != rank ||
      std::any_of(found.begin(), found.end(), [](auto extent) { return extent < 1; })) {
    refuse("tensor '" + name + "' has shape " + shape_text(found) + ", wanted " + std::to_string(rank) +
           " extents, none of them 0.");
  }
  return found;
}

void Parameters::take(const std::string& name, const std::vector<std::int64_t>& wanted,
                      const std::string& why) {
  TensorView tensor = find(name);
  if (tensor.shape != wanted) {
    refuse("tensor '" + name + "' has shape " + shape_text(tensor.shape) + ", wanted " + shape_text(wanted) +
           " (" + why + ").");
  }
  const bool aligned = reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % alignof(float) == 0;
  if (tensor.dtype != DType::kF32 || !aligned) {
    if (tensor.dtype != DType::kF32 && tensor.dtype != DType::kF16 && tensor.dtype != DType::kBF16 &&
        tensor.dtype != DType::kF64) {
      refuse("tensor '" + name + "' holds " + dtype_name(tensor.dtype) + ", wanted floating-point numbers.");
    }
    auto& values = converted_.emplace_back(tensor.elements());
    to_float32(tensor, values);
    tensor.dtype = DType::kF32;
    tensor.bytes = std::as_bytes(std::span(values));
  }
  tensors_.emplace(name, std::move(tensor));
}

void Parameters::put(const std::string& name, std::vector<std::int64_t> shape, std::vector<float> values) {
  const auto& kept = converted_.emplace_back(std::move(values));
  computed_[name] = {DType::kF32, std::move(shape), std::as_bytes(std::span(kept))};
}

const TensorView& Parameters::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found != tensors_.end() ? found->second : computed_.at(name);
}

std::map<std::string, TensorView> Parameters::all() const {
  auto all = tensors_;
  all.insert(computed_.begin(), computed_.end());
  return all;
}

std::size_t Parameters::count() const {
  std::size_t sum = 0;
  for (const auto& [name, tensor] : tensors_) sum += tensor.elements();
  return sum;
}

std::string Parameters::digest() const {
  std::string text;
  for (const auto& [name, tensor] : tensors_) {
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(tensor.bytes.data()), tensor.bytes.size());
    text += name + ' ' + shape_text(tensor.shape) + ' ' + std::to_string(crc) + '\n';
  }
  return text;
}

}  // namespace medlsam
