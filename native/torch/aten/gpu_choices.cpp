#include "torch/aten/gpu_choices.hpp"

#include <string>

#include "base/error.hpp"

namespace medlsam::torch {
namespace {

void choose(GpuChoices& choices, std::string_view word) {
  if (word == "channels-first") {
    choices.channels_last = false;
  } else if (word == "flash") {
    choices.attention = AttentionKernel::kFlash;
  } else if (word == "efficient") {
    choices.attention = AttentionKernel::kEfficient;
  } else if (word == "bias") {
    choices.attention = AttentionKernel::kBias;
  } else if (word == "no-graphs") {
    choices.graphs = false;
  } else if (word == "benchmark") {
    choices.benchmark = true;
  } else if (!word.empty()) {
    throw Error(ErrorCode::kBadArgument,
                "MEDLSAM_GPU holds '" + std::string(word) +
                    "'; it may hold channels-first, flash, efficient, bias, no-graphs and benchmark, "
                    "separated by commas.");
  }
}

}  // namespace

GpuChoices parse_gpu_choices(std::string_view words) {
  GpuChoices choices;
  while (true) {
    const std::size_t comma = words.find(',');
    choose(choices, words.substr(0, comma));
    if (comma == std::string_view::npos) return choices;
    words.remove_prefix(comma + 1);
  }
}

}  // namespace medlsam::torch
