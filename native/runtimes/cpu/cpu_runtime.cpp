#include "runtimes/cpu/cpu_runtime.hpp"

#include "base/error.hpp"
#include "base/simd.hpp"
#include "runtimes/cpu/cpu_network.hpp"

namespace medlsam::cpu {
namespace {

class CpuRuntime : public Runtime {
 public:
  std::string name() const override { return "cpu"; }
  std::string version() const override { return simd_level_name(simd_level()); }
  std::vector<Device> devices() const override { return {{}}; }

  Placement place(const Placement& wanted) const override {
    if (!wanted.device.is_cpu()) {
      throw Error(ErrorCode::kBadArgument, "The cpu runtime computes on the CPU, not on " +
                                               wanted.device.text() + ": the onnx and torch ones know GPUs.");
    }
    if (wanted.precision == DType::kF16) {
      throw Error(ErrorCode::kBadArgument,
                  "The cpu runtime computes in float32 or bfloat16; float16 needs the torch one.");
    }
    if (wanted.precision == DType::kBF16 && !simd_has_bfloat16()) {
      throw Error(
          ErrorCode::kBadArgument,
          "The cpu runtime computes in bfloat16 only where the processor has AVX-512 BF16, which this "
          "one has not, or MEDLSAM_SIMD leaves out; the torch runtime does anywhere.");
    }
    return wanted;
  }

  std::unique_ptr<Network> compile(const Graph& graph, const ParameterMap& parameters,
                                   const Placement& placement) const override {
    const bool is_low = placement.precision == DType::kBF16;
    return std::make_unique<CpuNetwork>(graph, parameters,
                                        is_low ? Precision::kBfloat16 : Precision::kFloat32);
  }
};

}  // namespace

std::shared_ptr<const Runtime> open_cpu_runtime(const std::string&) {
  return std::make_shared<const CpuRuntime>();
}

}  // namespace medlsam::cpu
