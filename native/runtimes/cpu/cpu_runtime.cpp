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

  Placed place(const Placement& wanted) const override {
    if (!wanted.device.is_cpu()) {
      throw Error(ErrorCode::kBadArgument, "The cpu runtime computes on the CPU, not on " +
                                               wanted.device.text() + ": the onnx and torch ones know GPUs.");
    }
    if (wanted.precision != DType::kF32) {
      throw Error(ErrorCode::kBadArgument,
                  "The cpu runtime computes in float32; lower precisions need the torch one.");
    }
    return {wanted, ""};
  }

  std::unique_ptr<Network> compile(const Graph& graph, const ParameterMap& parameters,
                                   const Placement&) const override {
    return std::make_unique<CpuNetwork>(graph, parameters);
  }
};

}  // namespace

std::shared_ptr<const Runtime> open_cpu_runtime(const std::string&) {
  return std::make_shared<const CpuRuntime>();
}

}  // namespace medlsam::cpu
