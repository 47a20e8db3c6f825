#include "addon/bindings.hpp"
#include "addon/task_runner.hpp"
#include "runtimes/torch/library.hpp"

namespace medlsam::addon {
namespace {

Napi::Value torch_info(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[1],
      [path = info[0].As<Napi::String>().Utf8Value()](const Task&) { return &torch::load(path); },
      [](Napi::Env env, const MedlsamTorchTable* table) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("version", table->version);
        result.Set("cudaDevices", table->cuda_devices);
        return result;
      });
}

}  // namespace

void bind_torch(Napi::Env env, Napi::Object exports) {
  bind<torch_info>(env, exports, "torchInfo");
}

}  // namespace medlsam::addon
