#include "runtimes/onnxruntime/onnx_runtime.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "runtimes/onnxruntime/api.hpp"
#include "runtimes/onnxruntime/execution.hpp"
#include "runtimes/onnxruntime/session.hpp"

namespace medlsam::onnx {
namespace {

constexpr int kMostGpus = 64;  // of one machine, that are looked for

class OnnxRuntime : public Runtime {
 public:
  std::string name() const override { return "onnx"; }
  std::string version() const override { return onnx::version(); }

  std::vector<Device> devices() const override {
    std::vector<Device> found = {{}};
    const auto names = providers();
    const bool has_cuda = std::find(names.begin(), names.end(), "CUDAExecutionProvider") != names.end();
    for (int gpu = 0; has_cuda && gpu < kMostGpus && why_no_cuda(gpu).empty(); ++gpu)
      found.push_back({DeviceKind::kCuda, gpu});
    return found;
  }

  Placement place(const Placement& wanted) const override {
    if (wanted.precision != DType::kF32) {
      throw Error(ErrorCode::kBadArgument,
                  "The onnx runtime computes in float32; lower precisions need the torch one.");
    }
    const Device device = wanted.device.first();
    const std::string why = device.is_cpu() ? "" : why_no_cuda(device.index);
    if (why.empty()) return {device, wanted.precision, wanted.threads};
    throw Error(ErrorCode::kRuntimeUnavailable,
                "ONNX Runtime cannot compute on " + device.text() + ": " + why + ". Run on the cpu.");
  }

  std::unique_ptr<Network> compile(const Graph& graph, const ParameterMap& parameters,
                                   const Placement& placement) const override {
    Execution execution;
    execution.threads = placement.threads;
    if (!placement.device.is_cpu()) execution.cuda = placement.device.index;
    return std::make_unique<Session>(graph, parameters, execution);
  }
};

}  // namespace

std::shared_ptr<const Runtime> open_onnx_runtime(const std::string& library) {
  load(library);
  return std::make_shared<const OnnxRuntime>();
}

}  // namespace medlsam::onnx
