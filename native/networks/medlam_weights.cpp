#include "networks/medlam_weights.hpp"

#include <zlib.h>

#include <cmath>
#include <cstdint>

#include "core/support/error.hpp"

namespace medlsam {
namespace {

struct Wanted {
  std::string name;
  std::vector<std::int64_t> shape;
};

// Unit convK_J: channels in and out, in multiples of B (0: the single channel of the patch).
struct Unit {
  const char* name;
  int in, out;
};
constexpr Unit kUnits[] = {
    {"conv0_1", 0, 2},  {"conv0_2", 2, 2}, {"conv1_1", 2, 2},  {"conv1_2", 2, 2}, {"conv2_1", 2, 2},
    {"conv2_2", 2, 4},  {"conv3_1", 4, 4}, {"conv3_2", 4, 8},  {"conv4_1", 8, 8}, {"conv4_2", 8, 16},
    {"conv5_1", 24, 8}, {"conv5_2", 8, 8}, {"conv6_1", 12, 4}, {"conv6_2", 4, 4}, {"conv7_1", 6, 4},
    {"conv7_2", 4, 4},  {"conv8_1", 6, 4}, {"conv8_2", 4, 4},
};

std::vector<Wanted> wanted_tensors(std::int64_t width, std::int64_t patch) {
  std::vector<Wanted> wanted;
  for (const Unit& unit : kUnits) {
    const std::string name = std::string(unit.name) + ".model.conv1_1.Conv";
    wanted.push_back({name + ".weight", {unit.out * width, unit.in == 0 ? 1 : unit.in * width, 3, 3, 3}});
    wanted.push_back({name + ".bias", {unit.out * width}});
  }
  const std::int64_t bottom = patch * patch * patch / 4096 * 16 * width;
  const std::int64_t sizes[] = {bottom, 8 * width, 4 * width, 3};
  for (int i = 0; i < 3; ++i) {
    const std::string name = "fc" + std::to_string(i + 1);
    wanted.push_back({name + ".weight", {sizes[i + 1], sizes[i]}});
    wanted.push_back({name + ".bias", {sizes[i + 1]}});
  }
  return wanted;
}

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::kBadCheckpoint, path + ": not a MedLAM checkpoint: " + what);
}

const TensorView& find(const Checkpoint& checkpoint, const std::string& path, const std::string& name) {
  const auto found = checkpoint.tensors.find(name);
  if (found != checkpoint.tensors.end()) return found->second;
  std::string hint = "It holds " + std::to_string(checkpoint.tensors.size()) + " other tensors";
  if (checkpoint.tensors.contains("image_encoder.patch_embed.proj.weight")) {
    hint = "It looks like a SAM checkpoint";
  } else if (!checkpoint.tensors.empty()) {
    hint += ", '" + checkpoint.tensors.begin()->first + "' the first";
  }
  refuse(path,
         "tensor '" + name + "' is missing. " + hint + "; `medlsam models inspect` lists what is in it.");
}

}  // namespace

MedLamWeights::MedLamWeights(const Checkpoint& checkpoint, const std::string& path)
    : storage_(checkpoint.storage) {
  const auto& first = find(checkpoint, path, "conv0_1.model.conv1_1.Conv.bias").shape;
  if (first.size() != 1 || first[0] < 2 || first[0] % 2 != 0 || first[0] > 2048) {
    refuse(path, "tensor 'conv0_1.model.conv1_1.Conv.bias' has shape " + shape_text(first) +
                     "; its length is twice the base width, which is 24 in the published network.");
  }
  width_ = static_cast<int>(first[0] / 2);
  const auto& fc1 = find(checkpoint, path, "fc1.weight").shape;
  const std::int64_t per_width = std::int64_t{16} * width_;
  const std::int64_t cells = fc1.size() == 2 && fc1[1] % per_width == 0 ? fc1[1] / per_width : 0;
  const std::int64_t edge = std::llround(std::cbrt(static_cast<double>(cells)));
  if (cells < 1 || edge * edge * edge != cells || edge > 16) {
    refuse(path, "tensor 'fc1.weight' has shape " + shape_text(fc1) + ", but its second extent must be " +
                     std::to_string(per_width) + " times a cube (64 for patches of 64 voxels).");
  }
  patch_ = static_cast<int>(16 * edge);

  for (const auto& [name, shape] : wanted_tensors(width_, patch_)) {
    TensorView tensor = find(checkpoint, path, name);
    if (tensor.shape != shape) {
      refuse(path, "tensor '" + name + "' has shape " + shape_text(tensor.shape) + ", wanted " +
                       shape_text(shape) + " (base width " + std::to_string(width_) + ").");
    }
    const bool aligned = reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % alignof(float) == 0;
    if (tensor.dtype != DType::kF32 || !aligned) {
      if (tensor.dtype != DType::kF32 && tensor.dtype != DType::kF16 && tensor.dtype != DType::kBF16 &&
          tensor.dtype != DType::kF64) {
        refuse(path, "tensor '" + name + "' holds " + dtype_name(tensor.dtype) +
                         ", wanted floating-point numbers.");
      }
      auto& values = converted_.emplace_back(tensor.elements());
      to_float32(tensor, values);
      tensor.dtype = DType::kF32;
      tensor.bytes = std::as_bytes(std::span(values));
    }
    tensors_.emplace(name, std::move(tensor));
  }
}

std::size_t MedLamWeights::parameters() const {
  std::size_t sum = 0;
  for (const auto& [name, tensor] : tensors_) sum += tensor.elements();
  return sum;
}

std::string MedLamWeights::digest() const {
  std::string text;
  for (const auto& [name, tensor] : tensors_) {
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(tensor.bytes.data()), tensor.bytes.size());
    text += name + ' ' + shape_text(tensor.shape) + ' ' + std::to_string(crc) + '\n';
  }
  return text;
}

}  // namespace medlsam
