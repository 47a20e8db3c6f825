#include "networks/medlam_weights.hpp"

#include <cmath>
#include <cstdint>
#include <vector>

namespace medlsam {
namespace {

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

}  // namespace

std::vector<NamedShape> medlam_tensors(std::int64_t width, std::int64_t patch) {
  std::vector<NamedShape> wanted;
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

MedLamWeights::MedLamWeights(const Checkpoint& checkpoint, const std::string& path)
    : parameters_(checkpoint, "MedLAM", path, kMedLamKnownTensor) {
  const std::string first(kMedLamKnownTensor);
  const std::int64_t channels = parameters_.shape(first, 1)[0];
  if (channels % 2 != 0 || channels > 2048) {
    parameters_.refuse("tensor '" + first + "' has shape [" + std::to_string(channels) +
                       "]; its length is twice the base width, which is 24 in the published network.");
  }
  width_ = static_cast<int>(channels / 2);
  const auto& fc1 = parameters_.shape("fc1.weight", 2);
  const std::int64_t per_width = std::int64_t{16} * width_;
  const std::int64_t cells = fc1[1] % per_width == 0 ? fc1[1] / per_width : 0;
  const std::int64_t edge = std::llround(std::cbrt(static_cast<double>(cells)));
  if (cells < 1 || edge * edge * edge != cells || edge > 16) {
    parameters_.refuse("tensor 'fc1.weight' has shape " + shape_text(fc1) +
                       ", but its second extent must be " + std::to_string(per_width) +
                       " times a cube (64 for patches of 64 voxels).");
  }
  patch_ = static_cast<int>(16 * edge);
  const std::string why = "base width " + std::to_string(width_);
  for (const auto& [name, shape] : medlam_tensors(width_, patch_)) parameters_.take(name, shape, why);
  parameters_.close();
}

}  // namespace medlsam
