#include "addon/runtime.hpp"

#include "runtimes/onnxruntime/api.hpp"
#include "runtimes/onnxruntime/session.hpp"
#include "runtimes/torch/library.hpp"

namespace medlsam::addon {
namespace {

torch::NetworkOptions network_options(const Runtime& runtime, unsigned threads) {
  return {runtime.device, to_precision(runtime.precision), threads};
}

}  // namespace

std::int32_t to_precision(const std::string& name) {
  if (name == "bfloat16") return MEDLSAM_TORCH_BFLOAT16;
  return name == "float16" ? MEDLSAM_TORCH_FLOAT16 : MEDLSAM_TORCH_FLOAT32;
}

Runtime to_runtime(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  const auto text = [&](const char* name) { return object.Get(name).As<Napi::String>().Utf8Value(); };
  if (text("name") == "onnx") return {false, text("library"), "", ""};
  return {true, text("library"), text("device"), text("precision")};
}

MedLamBuilder medlam_builder(const Runtime& runtime, unsigned threads) {
  if (runtime.torch) {
    return torch::medlam_builder(torch::load(runtime.library), network_options(runtime, threads));
  }
  onnx::load(runtime.library);
  return onnx::medlam_builder(threads);
}

SamBuilder sam_builder(const Runtime& runtime, unsigned threads) {
  if (runtime.torch) {
    return torch::sam_builder(torch::load(runtime.library), network_options(runtime, threads));
  }
  onnx::load(runtime.library);
  return onnx::sam_builder(threads);
}

}  // namespace medlsam::addon
