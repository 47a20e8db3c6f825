// Networks of the published sizes with random weights through the torch plugin, in the ways that a GPU
// allows:
//   medlsam_networks_bench [DEVICE] [--quick]
// prints rows of a Markdown table; DEVICE is cuda:0 without one. MEDLSAM_TORCH names the plugin. --quick: a
// small network and the first batch once, to see that it runs.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "networks/medlam.hpp"
#include "networks/sam.hpp"
#include "runtimes/torch/torch_runtime.hpp"
#include "torch/bench/flops.hpp"
#include "torch/training/medlam_initial_weights.hpp"
#include "torch/training/sam_initial_weights.hpp"

namespace medlsam::torch {
namespace {

// Dense bfloat16 products of 8192³ on an H200, measured; other cards have another.
constexpr double kPeakTeraflops = 790;
constexpr int kRepeats = 5;
constexpr double kLeastSeconds = 0.3;  // of one measurement

struct Subject {
  std::string name;
  Graph graph;
  ParameterMap parameters;
  Shape row;  // of the input
  std::vector<std::int64_t> batches;
};

struct Way {
  DType precision;
  const char* choices;  // as MEDLSAM_GPU has them
};

// Outputs are read in their first element, which waits for the GPU.
void wait_for(const std::vector<Tensor>& outputs) {
  for (const Tensor& output : outputs) {
    std::int64_t rows = 1;
    (void)output.slice(0, rows).to_host();
  }
}

double median_seconds(Network& network, const Tensor& input, bool quick) {
  const auto run = [&](int times) {
    const auto start = Clock::now();
    std::vector<Tensor> outputs;
    for (int i = 0; i < times; ++i) outputs = network.run(std::span(&input, 1), {});
    wait_for(outputs);
    return seconds_since(start);
  };
  run(1);
  if (quick) return run(1);
  for (int i = 0; i < 3; ++i) run(1);  // records graphs, too
  const int times = std::max(1, static_cast<int>(kLeastSeconds / std::max(1e-4, run(3) / 3)));
  std::vector<double> seconds;
  for (int i = 0; i < kRepeats; ++i) seconds.push_back(run(times) / times);
  std::ranges::nth_element(seconds, seconds.begin() + kRepeats / 2);
  return seconds[kRepeats / 2];
}

void measure(const Runtime& runtime, const Device& device, const Subject& subject, const Way& way,
             bool quick) {
  setenv("MEDLSAM_GPU", way.choices, 1);
  const auto network =
      runtime.compile(subject.graph, subject.parameters, runtime.place({device, way.precision, 2}));
  const double flops = count_flops(subject.graph);
  for (const std::int64_t batch : subject.batches) {
    if (quick && batch != subject.batches.front()) break;
    Shape shape = subject.row;
    shape[0] = batch;
    std::vector<float> values(shape_elements(shape));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 255) / 255;
    try {
      const Tensor input = Tensor::on_host(std::move(values), shape);
      const double seconds = median_seconds(*network, input, quick) / static_cast<double>(batch);
      const double rate = flops / seconds / 1e12;
      std::printf("| %s | %s | %s | %d | %.3f | %.1f | %.1f %% |\n", subject.name.c_str(),
                  dtype_name(way.precision), way.choices, static_cast<int>(batch), 1e3 * seconds, rate,
                  100 * rate / kPeakTeraflops);
    } catch (const Error& error) {
      std::printf("| %s | %s | %s | %d | %s | | |\n", subject.name.c_str(), dtype_name(way.precision),
                  way.choices, static_cast<int>(batch), error.what());
    }
    std::fflush(stdout);
  }
}

int bench(const std::string& device_name, bool quick) {
  const char* library = std::getenv("MEDLSAM_TORCH");
  if (library == nullptr) throw Error(ErrorCode::kBadArgument, "MEDLSAM_TORCH must name the torch plugin.");
  const auto runtime = open_torch_runtime(library);
  const Device device = Device::parse(device_name);
  const int width = quick ? 2 : 24;
  const MedLamWeights medlam(training::initial_weights(width, quick ? 32 : 64, 1), "random");
  const std::int64_t edge = medlam.patch();
  const training::SamSizes vit_b =
      quick ? training::SamSizes{64, 8, 32, 2, 2, 64, 4, {1}, 32, 64}
            : training::SamSizes{1024, 16, 768, 12, 12, 3072, 14, {2, 5, 8, 11}, 256, 2048};
  const SamWeights sam(training::sam_initial_weights(vit_b, 1), "random");
  const Subject features = {
      "MedLAM, all features", medlam_graph(medlam, 2), medlam.all(), {1, 1, edge, edge, edge}, {1, 4, 8, 16}};
  const Subject positions = {
      "MedLAM, positions", medlam_graph(medlam, -1), medlam.all(), {1, 1, edge, edge, edge}, {32}};
  const Subject slices = {"SAM's encoder, ViT-B",
                          sam_graph(sam, SamPart::kEncoder),
                          sam.all(),
                          {1, 1, sam.image_size(), sam.image_size()},
                          {1, 4}};

  std::printf("| network | precision | choices | batch | ms a row | TFLOP/s | of %.0f |\n", kPeakTeraflops);
  std::puts("|---|---|---|---|---|---|---|");
  const Way usual = {DType::kF16, ""};
  for (const Subject* subject : {&features, &positions, &slices})
    measure(*runtime, device, *subject, usual, quick);
  for (const char* choices : {"channels-first", "benchmark", "no-graphs"})
    measure(*runtime, device, features, {DType::kF16, choices}, quick);
  for (const char* choices : {"efficient", "bias", "no-graphs"})
    measure(*runtime, device, slices, {DType::kF16, choices}, quick);
  for (const DType precision : {DType::kBF16, DType::kF32}) {
    measure(*runtime, device, features, {precision, ""}, quick);
    measure(*runtime, device, slices, {precision, ""}, quick);
  }
  return 0;
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
