#include "addon/runtime.hpp"

#include <optional>

#include "runtimes/onnxruntime/api.hpp"
#include "runtimes/onnxruntime/session.hpp"
#include "runtimes/torch/library.hpp"

namespace medlsam::addon {
namespace {

torch::NetworkOptions network_options(const Runtime& runtime, unsigned threads) {
  return {runtime.device, to_precision(runtime.precision), threads};
}

// N of "cuda:N", 0 of "cuda"; nothing for the CPU.
std::optional<int> cuda_device(const std::string& device) {
  if (!device.starts_with("cuda")) return std::nullopt;
  return device.size() > 5 ? std::stoi(device.substr(5)) : 0;
}

}  // namespace

std::int32_t to_precision(const std::string& name) {
  if (name == "bfloat16") return MEDLSAM_TORCH_BFLOAT16;
  return name == "float16" ? MEDLSAM_TORCH_FLOAT16 : MEDLSAM_TORCH_FLOAT32;
}

Runtime to_runtime(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  const auto text = [&](const char* name) { return object.Get(name).As<Napi::String>().Utf8Value(); };
  if (text("name") == "onnx") return {false, text("library"), text("device"), ""};
  return {true, text("library"), text("device"), text("precision")};
}

Placement place(const Runtime& runtime) {
  if (runtime.torch) {
    torch::load(runtime.library);
    return {runtime.device, ""};
  }
  onnx::load(runtime.library);
  const auto cuda = cuda_device(runtime.device);
  if (!cuda) return {"cpu", ""};
  const std::string why = onnx::why_no_cuda(*cuda);
  if (why.empty()) return {"cuda:" + std::to_string(*cuda), ""};
  return {"cpu", "ONNX Runtime has no CUDA here, the CPU is used instead: " + why};
}

MedLamBuilder medlam_builder(const Runtime& runtime, const Placement& placement, unsigned threads) {
  if (runtime.torch)
    return torch::medlam_builder(torch::load(runtime.library), network_options(runtime, threads));
  return onnx::medlam_builder({threads, cuda_device(placement.device)});
}

SamBuilder sam_builder(const Runtime& runtime, const Placement& placement, unsigned threads) {
  if (runtime.torch)
    return torch::sam_builder(torch::load(runtime.library), network_options(runtime, threads));
  return onnx::sam_builder({threads, cuda_device(placement.device)});
}

void describe(Napi::Object& object, const Placement& placement) {
  object.Set("device", placement.device);
  object.Set("fallback", placement.fallback);
}

}  // namespace medlsam::addon
