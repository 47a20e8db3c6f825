#include "addon/runtime.hpp"

#include <utility>

#include "addon/task_runner.hpp"
#include "runtimes/cpu/cpu_runtime.hpp"
#include "runtimes/onnxruntime/onnx_runtime.hpp"
#include "runtimes/torch/plugin_api.hpp"
#include "runtimes/torch/torch_runtime.hpp"

namespace medlsam::addon {
namespace {

DType to_dtype(const std::string& precision) {
  if (precision == "bfloat16") return DType::kBF16;
  return precision == "float16" ? DType::kF16 : DType::kF32;
}

}  // namespace

void register_runtimes() {
  register_runtime("cpu", cpu::open_cpu_runtime);
  register_runtime("onnx", onnx::open_onnx_runtime);
  register_runtime("torch", torch::open_torch_runtime);
}

std::int32_t to_precision(const std::string& name) {
  if (name == "bfloat16") return MEDLSAM_TORCH_BFLOAT16;
  return name == "float16" ? MEDLSAM_TORCH_FLOAT16 : MEDLSAM_TORCH_FLOAT32;
}

RuntimeChoice to_runtime_choice(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  const auto text = [&](const char* name) { return object.Get(name).As<Napi::String>().Utf8Value(); };
  return {text("name"), text("library"), text("device"), text("precision")};
}

Located locate(const RuntimeChoice& choice, unsigned threads) {
  auto runtime = open_runtime(choice.name, choice.library);
  const Placement placement =
      runtime->place({Device::parse(choice.device), to_dtype(choice.precision), threads});
  return {compile_on(std::move(runtime), placement), placement};
}

Napi::Array device_names(Napi::Env env, const std::vector<Device>& devices) {
  auto names = Napi::Array::New(env, devices.size());
  for (std::uint32_t i = 0; i < devices.size(); ++i) names.Set(i, devices[i].text());
  return names;
}

Napi::Value parse_device(const Napi::CallbackInfo& info) {
  try {
    return Napi::String::New(info.Env(), Device::parse(info[0].As<Napi::String>().Utf8Value()).text());
  } catch (const Error& error) {
    throw to_js_error(info.Env(), error);
  }
}

}  // namespace medlsam::addon
