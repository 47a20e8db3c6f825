// Rates of the kernels of a transformer on SAM's shapes, one thread, as shares of the processor's peak in the
// same run: medlsam_kernel_bench [seconds of a row]. Built with -DMEDLSAM_BENCH=ON. Every time is the
// processor time of the fastest of many repetitions, because machines are shared.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "kernels/attention_layouts.hpp"
#include "kernels/convolution_general.hpp"
#include "kernels/gemm.hpp"
#include "kernels/gemm_block.hpp"

namespace medlsam {
namespace {

double seconds_a_row = 0.5;

// Processor time of this thread alone, whatever else the machine does.
double processor_seconds() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Seconds of one call: the least of groups of calls that are long enough for the clock.
double fastest(const std::function<void()>& body) {
  constexpr double kShortest = 1e-3;
  double best = 1e9;
  int calls = 1;
  const double start = processor_seconds();
  for (double begin = start; begin < start + seconds_a_row;) {
    for (int call = 0; call < calls; ++call) body();
    const double end = processor_seconds();
    if (end - begin < kShortest) {
      calls *= 2;
    } else {
      best = std::min(best, (end - begin) / calls);
    }
    begin = end;
  }
  return best;
}

// Multiply-adds on registers alone, enough in flight to hide their latency.
template <int kLanes>
MEDLSAM_INLINE void add_in_registers(std::int64_t steps, float* out) {
  using namespace gemm;
  Vector<kLanes> sums[12], b{};
  const float factor = *out;
  unrolled<12>([&](auto i) __attribute__((always_inline)) { sums[i] = b + static_cast<float>(i); });
  for (std::int64_t step = 0; step < steps; ++step)
    unrolled<12>([&](auto i) __attribute__((always_inline)) { sums[i] += factor * b; });
  unrolled<12>([&](auto i) __attribute__((always_inline)) { b += sums[i]; });
  store<kLanes>(b, out);
}

#if defined(MEDLSAM_WIDE_SIMD)
__attribute__((target("avx512f,avx512bf16"))) void add_bfloat16_in_registers(std::int64_t steps, float* out) {
  gemm::Vector<16> sums[12] = {}, b{};
  for (std::int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int i = 0; i < 12; ++i) asm("vdpbf16ps %1, %1, %0" : "+v"(sums[i]) : "v"(b));
  }
#pragma GCC unroll 12
  for (int i = 0; i < 12; ++i) b += sums[i];
  std::memcpy(out, &b, sizeof b);
}
#endif

// GFLOP/s that no kernel can exceed.
double peak(Precision precision) {
  constexpr std::int64_t kSteps = 1000000;
  float out[16] = {1};
  double flops = 0;
  const double time = fastest([&] {
#if defined(MEDLSAM_WIDE_SIMD)
    flops = 4.0 * 12 * kSteps * 16;
    if (precision == Precision::kBfloat16) return add_bfloat16_in_registers(kSteps, out);
#endif
    run_simd([&](auto lanes) __attribute__((always_inline)) {
      flops = 2.0 * 12 * kSteps * lanes;
      add_in_registers<lanes>(kSteps, out);
    });
  });
  return flops / time * 1e-9;
}

std::vector<float> values(std::int64_t count) {
  std::vector<float> result(static_cast<std::size_t>(count));
  std::uint32_t state = 1;
  for (float& value : result) {
    state = state * 1664525 + 1013904223;
    value = static_cast<float>(state >> 8) * 0x1p-24f - 0.5f;
  }
  return result;
}

void print(const std::string& name, double flops, double seconds, double peak_rate) {
  const double rate = flops / seconds * 1e-9;
  std::printf("| %-52s | %9.3f ms | %7.1f GFLOP/s | %3.0f %% |\n", name.c_str(), seconds * 1e3, rate,
              100 * rate / peak_rate);
  std::fflush(stdout);
}

// The convolution of SAM's neck, and one of a small width.
void bench_convolution(double peak_rate, std::int64_t channels, std::int64_t extent) {
  const std::vector<float> image = values(channels * extent * extent),
                           weight = values(channels * channels * 9);
  std::vector<float> out(image.size());
  const ConvolutionWeights weights(weight.data(), channels, channels, {1, 3, 3});
  const double time = fastest([&] {
    convolve(Task{}, 1, image.data(), {1, extent, extent}, weights, {0, 1, 1}, nullptr, out.data());
  });
  print("convolution 3 x 3 of " + std::to_string(channels) + " channels, " + std::to_string(extent) +
            " squared",
        2.0 * static_cast<double>(channels * channels * 9 * extent * extent), time, peak_rate);
}

std::string named(Precision precision) {
  return precision == Precision::kBfloat16 ? "bfloat16 " : "float32 ";
}

enum class Ends { kNone, kNorm, kGelu, kResidual };

void bench_linear(Precision precision, double peak_rate, std::int64_t rows, std::int64_t in, std::int64_t out,
                  Ends ends) {
  static const char* const kNames[] = {"", ", layer norm before", ", GELU after", ", bias and residual"};
  const std::vector<float> x = values(rows * in), weight = values(out * in), factors = values(in);
  std::vector<float> y(static_cast<std::size_t>(rows * out));
  const PackedWeights packed(weight.data(), out, in, in, precision);
  const LayerNorm norm = {factors.data(), factors.data(), 1e-6f};
  const LinearInput input = {
      .data = x.data(), .rows = rows, .stride = in, .norm = ends == Ends::kNorm ? &norm : nullptr};
  LinearOutput output = {.data = y.data(), .stride = out};
  if (ends == Ends::kGelu) output.activation = Activation::kGelu;
  if (ends == Ends::kResidual) {
    output.bias = weight.data();
    output.residual = {y.data(), rows, out};
  }
  const double time = fastest([&] {
    if (ends == Ends::kResidual) std::fill(y.begin(), y.end(), 0.0f);
    linear(Task{}, input, packed, output);
  });
  const std::string name = named(precision) + std::to_string(rows) + " x " + std::to_string(in) + " -> " +
                           std::to_string(out) + kNames[static_cast<int>(ends)];
  print(name, 2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out), time,
        peak_rate);
}

void bench_linears(Precision precision, double peak_rate) {
  bench_linear(precision, peak_rate, 4096, 768, 2304, Ends::kNone);
  bench_linear(precision, peak_rate, 4096, 768, 2304, Ends::kNorm);
  bench_linear(precision, peak_rate, 4096, 768, 768, Ends::kNone);
  bench_linear(precision, peak_rate, 4096, 768, 768, Ends::kResidual);
  bench_linear(precision, peak_rate, 4096, 768, 3072, Ends::kNone);
  bench_linear(precision, peak_rate, 4096, 768, 3072, Ends::kGelu);
  bench_linear(precision, peak_rate, 4096, 3072, 768, Ends::kNone);
  bench_linear(precision, peak_rate, 4096, 256, 768, Ends::kNone);
  bench_linear(precision, peak_rate, 2304, 128, 384, Ends::kNorm);
  bench_linear(precision, peak_rate, 2304, 128, 512, Ends::kGelu);
  bench_linear(precision, peak_rate, 2304, 512, 128, Ends::kResidual);
  bench_linear(precision, peak_rate, 4096, 256, 128, Ends::kNone);
  bench_linear(precision, peak_rate, 13, 256, 256, Ends::kNone);
  bench_linear(precision, peak_rate, 7, 256, 2048, Ends::kNone);
  bench_linear(precision, peak_rate, 7, 2048, 256, Ends::kNone);
  bench_linear(precision, peak_rate, 1, 256, 256, Ends::kNone);
  bench_linear(precision, peak_rate, 1, 4096, 4096, Ends::kNone);
}

// Attention of SAM's blocks: one head of a global block, and of a window.
void bench_attention(Precision precision, double peak_rate, std::int64_t grid, std::int64_t window,
                     std::int64_t dim) {
  const std::vector<float> qkv = values(grid * grid * 3 * dim), bias = values(3 * dim),
                           table = values((2 * window - 1) * dim);
  std::vector<float> out(static_cast<std::size_t>(grid * grid * dim));
  const RelativePositions positions(table.data(), static_cast<int>(window), static_cast<int>(dim), precision);
  const WindowAttention attention = {.qkv = qkv.data(),
                                     .bias = bias.data(),
                                     .out = out.data(),
                                     .batch = 1,
                                     .height = grid,
                                     .width = grid,
                                     .channels = dim,
                                     .heads = 1,
                                     .window_height = window,
                                     .window_width = window,
                                     .vertical = &positions,
                                     .horizontal = &positions,
                                     .precision = precision};
  const double time = fastest([&] {
    for (std::int64_t item = 0; item < attention.items(); ++item) attention.run(item);
  });
  const std::int64_t tokens = window * window;
  print(named(precision) + "attention, " + std::to_string(tokens) + " tokens, head of " + std::to_string(dim),
        4.0 * static_cast<double>(tokens * tokens * dim), time, peak_rate);
}

void bench_tokens(Precision precision, double peak_rate, std::int64_t queries, std::int64_t keys,
                  std::int64_t dim) {
  const std::vector<float> q = values(queries * dim), k = values(keys * dim), v = values(keys * dim);
  std::vector<float> out(static_cast<std::size_t>(queries * dim));
  const TokenAttention attention = {.q = q.data(),
                                    .k = k.data(),
                                    .v = v.data(),
                                    .out = out.data(),
                                    .query_batch = 1,
                                    .key_batch = 1,
                                    .queries = queries,
                                    .keys = keys,
                                    .width = dim,
                                    .precision = precision};
  const double time = fastest([&] {
    for (std::int64_t item = 0; item < attention.items(); ++item) attention.run(item);
  });
  print(named(precision) + "attention, " + std::to_string(queries) + " tokens to " + std::to_string(keys) +
            ", head of " + std::to_string(dim),
        4.0 * static_cast<double>(queries * keys * dim), time, peak_rate);
}

void bench_attentions(Precision precision, double peak_rate) {
  bench_attention(precision, peak_rate, 64, 64, 64);
  bench_attention(precision, peak_rate, 14, 14, 64);
  bench_attention(precision, peak_rate, 48, 48, 32);
  bench_attention(precision, peak_rate, 7, 7, 32);
  bench_tokens(precision, peak_rate, 7, 4096, 16);
  bench_tokens(precision, peak_rate, 4096, 7, 16);
  bench_tokens(precision, peak_rate, 7, 7, 32);
}

void bench_all(Precision precision) {
  const double peak_rate = peak(precision);
  print(named(precision) + "peak, registers only", peak_rate * 1e9, 1, peak_rate);
  bench_linears(precision, peak_rate);
  bench_attentions(precision, peak_rate);
  if (precision == Precision::kBfloat16) return;
  bench_convolution(peak_rate, 256, 64);
  bench_convolution(peak_rate, 32, 48);
  bench_convolution(peak_rate, 8, 48);
}

}  // namespace
}  // namespace medlsam

int main(int argc, char** argv) {
  using namespace medlsam;
  if (argc > 1) seconds_a_row = std::atof(argv[1]);
  std::printf("%s, one thread\n", simd_level_name(simd_level()));
  bench_all(Precision::kFloat32);
  if (simd_has_bfloat16()) bench_all(Precision::kBfloat16);
}
