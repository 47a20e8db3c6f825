// How networks are computed on a GPU, where there are several ways to the same result; bench_gpu.cpp measures
// them.
#pragma once

#include <string_view>

namespace medlsam::torch {

// Kernels for SAM's attention with relative positions. The first two take the positions' terms as further
// elements of queries and keys, so that no score matrix is ever in memory.
enum class AttentionKernel {
  kFlash,      // values are padded to the length of keys; float16 and bfloat16 only, else kEfficient
  kEfficient,  // memory-efficient attention, whose values may be shorter than keys
  kBias,       // memory-efficient attention with the terms added to the scores: a matrix for each head
};

struct GpuChoices {
  bool channels_last = true;  // of volumes: cuDNN's 16-bit convolutions compute in that order
  AttentionKernel attention = AttentionKernel::kFlash;
  bool graphs = true;  // CUDA graphs: a network of one shape of inputs is launched as a whole
  // cuDNN tries its kernels for each new shape and takes the fastest, which may be another in each process;
  // without it results are the same bytes on every run.
  bool benchmark = false;
};

// The choices that differ from the defaults, as the environment variable MEDLSAM_GPU has them: words
// separated by commas, among channels-first, flash, efficient, bias, no-graphs, benchmark. Throws
// kBadArgument for others.
GpuChoices parse_gpu_choices(std::string_view words);

}  // namespace medlsam::torch
