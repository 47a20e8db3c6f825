// Whole scans without Node, localized and segmented, networks by the torch plugin and what surrounds them by
// the CUDA plugin:
//   medlsam_scan_bench [DEVICE] [--quick]
// prints rows of a Markdown table; DEVICE is cuda:0 without one. MEDLSAM_TORCH names the torch plugin,
// MEDLSAM_CUDA the CUDA plugin (without it the CPU does that part), MEDLSAM_MODELS the folder of the demo
// models, "models" without it. First the demo models on a phantom in float16, held against the CPU in
// float32; then networks of the published sizes with random weights, for their time. --quick: small networks,
// to see that it runs. Exits with 1 if the agreement is not what is asked for.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "cuda/library.hpp"
#include "cuda/scan/gpu_sources.hpp"
#include "runtimes/torch/torch_runtime.hpp"
#include "torch/bench/scan_agreement.hpp"
#include "torch/bench/whole_scans.hpp"
#include "torch/training/medlam_initial_weights.hpp"
#include "torch/training/sam_initial_weights.hpp"

namespace medlsam::torch {
namespace {

// Networks of the published sizes, or small ones.
Models random_models(const Place& place, bool quick) {
  const training::SamSizes vit_b =
      quick ? training::SamSizes{64, 8, 32, 2, 2, 64, 4, {1}, 32, 64}
            : training::SamSizes{1024, 16, 768, 12, 12, 3072, 14, {2, 5, 8, 11}, 256, 2048};
  return {std::make_shared<MedLamModel>(
              std::make_unique<const MedLamWeights>(
                  training::initial_weights(quick ? 2 : 24, quick ? 32 : 64, 1), "random"),
              place.compile()),
          std::make_shared<SamModel>(
              std::make_unique<const SamWeights>(training::sam_initial_weights(vit_b, 1), "random"),
              place.compile())};
}

// A body in air, with textures.
Volume body(const Index3& shape) {
  Volume volume;
  volume.shape = shape;
  volume.affine = {-0.8, 0, 0, 0, 0, 0.8, 0, 0, 0, 0, 1.5, 0, 0, 0, 0, 1};
  std::vector<std::int16_t> values(volume.voxels());
  std::size_t i = 0;
  for (std::int64_t z = 0; z < shape[0]; ++z) {
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      for (std::int64_t x = 0; x < shape[2]; ++x, ++i) {
        const double v = 2.4 * static_cast<double>(y) / static_cast<double>(shape[1]) - 1.2;
        const double u = 2.4 * static_cast<double>(x) / static_cast<double>(shape[2]) - 1.2;
        const bool inside = u * u + v * v < 1;
        values[i] = static_cast<std::int16_t>(inside ? (x * 7 + y * 5 + z * 3) % 160 - 40 : -1000);
      }
    }
  }
  const auto bytes = std::as_bytes(std::span(values));
  volume.data.assign(bytes.begin(), bytes.end());
  return volume;
}

// Kernels of random numbers, positions about the middle.
Templates random_templates(std::size_t points, int channels) {
  Templates templates(points, channels);
  constexpr int kEdge = 8;
  std::vector<float> features(static_cast<std::size_t>(channels) * kEdge * kEdge * kEdge);
  std::uint32_t state = 1;
  for (std::size_t point = 0; point < points; ++point) {
    for (float& value : features) {
      state = state * 1664525U + 1013904223U;
      value = static_cast<float>(state >> 8) / 8388608.0F - 1.0F;
    }
    const float position[3] = {features[0], features[1], features[2]};
    templates.add(point, position, {features.data(), features.data(), features.data()}, 4 * kEdge);
  }
  return templates;
}

template <class Work>
double seconds_of(const Work& work) {
  const auto start = Clock::now();
  work();
  return seconds_since(start);
}

// The second of two runs: the first records graphs and takes memory.
void measure(const Place& place, bool quick) {
  const Models models = random_models(place, quick);
  const Volume volume = body(quick ? Index3{24, 64, 64} : Index3{200, 512, 512});
  // 22 organs in 70 parts, as SPL cuts them.
  std::vector<int> parts(quick ? 2 : 22, quick ? 1 : 3);
  for (std::size_t i = 0; !quick && i < 4; ++i) parts[i] = 4;
  const LocalizeOptions options = options_for(parts);
  std::size_t points = 0;
  for (const WantedOrgan& organ : options.organs) points += organ.points.size();
  const Templates templates = random_templates(points, 4 * models.medlam->weights().width());

  Localization found;
  for (int turn = 0; turn < (quick ? 1 : 2); ++turn) {
    volume.on_gpu.set(nullptr);  // as a scan that was just read; for its slices it is there, then
    const double seconds =
        seconds_of([&] { found = localize_on(place, models, volume, templates, options); });
    if (turn == 0 && !quick) continue;
    std::printf(
        "| %zu organs of %zu points localized, width %d | %.2f s | %zu patches, similarity %.2f s |\n",
        options.organs.size(), points, models.medlam->weights().width(), seconds, found.patches,
        found.similarity_seconds);
  }

  // Boxes of a fifth of the scan in each direction, so that every slice has about four.
  std::vector<OrganPrompt> organs;
  for (std::size_t i = 0; i < options.organs.size(); ++i) {
    OrganPrompt& organ = organs.emplace_back();
    VoxelBox box;
    for (int a = 0; a < 3; ++a) {
      const auto place_of = static_cast<std::int64_t>((i * (7 + 4 * a)) % 11);
      box.min[a] = volume.shape[a] * place_of / 14;
      box.max[a] = box.min[a] + volume.shape[a] / 5;
    }
    organ.parts.push_back(box);
  }
  std::vector<std::int64_t> slices;
  for (std::int64_t slice = 0; slice < std::min<std::int64_t>(150, volume.shape[0]); ++slice)
    slices.push_back(slice);
  segment_on(models, volume, organs, {slices[0], slices[1], slices[2], slices[3]});
  std::size_t encoded = 0;
  const double seconds = seconds_of([&] { encoded = segment_on(models, volume, organs, slices).encoded; });
  std::printf("| %zu slices segmented, image of %lld² | %.2f s | |\n", encoded,
              static_cast<long long>(models.sam->weights().image_size()), seconds);
  std::fflush(stdout);
}

int bench(const std::string& device, bool quick) {
  const char* library = std::getenv("MEDLSAM_TORCH");
  if (library == nullptr) throw Error(ErrorCode::kBadArgument, "MEDLSAM_TORCH must name the torch plugin.");
  if (const char* plugin = std::getenv("MEDLSAM_CUDA")) cuda::register_gpu_sources(cuda::load(plugin));
  const Device definite = Device::parse(device).first();
  // libtorch has no fast convolution in float16 on the CPU.
  const Place place{open_torch_runtime(library), definite, definite.is_cpu() ? DType::kF32 : DType::kF16};
  std::printf("| whole scans, %s, %s | | |\n|---|---|---|\n", definite.text().c_str(),
              dtype_name(place.precision));
  const bool agrees = check_agreement(place, quick);
  measure(place, quick);
  return agrees ? 0 : 1;
}

}  // namespace
}  // namespace medlsam::torch

int main(int count, char** arguments) {
  try {
    std::string device = "cuda:0";
    bool quick = false;
    for (int i = 1; i < count; ++i) {
      if (std::string(arguments[i]) == "--quick")
        quick = true;
      else
        device = arguments[i];
    }
    return medlsam::torch::bench(device, quick);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
