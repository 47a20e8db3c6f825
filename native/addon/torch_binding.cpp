#include "addon/bindings.hpp"
#include "addon/runtime.hpp"
#include "addon/task_runner.hpp"
#include "runtimes/torch/torch_runtime.hpp"

namespace medlsam::addon {
namespace {

struct TorchInfo {
  std::string version;
  std::vector<Device> devices;
  int cuda_version = 0;
};

Napi::Value torch_info(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[1],
      [path = info[0].As<Napi::String>().Utf8Value()](const Task&) {
        const auto runtime = torch::open_torch_runtime(path);
        return TorchInfo{runtime->version(), runtime->devices(), torch::torch_cuda_version(path)};
      },
      [](Napi::Env env, TorchInfo&& found) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("version", found.version);
        result.Set("devices", device_names(env, found.devices));
        result.Set("cuda", found.cuda_version);
        return result;
      });
}

}  // namespace

void bind_torch(Napi::Env env, Napi::Object exports) {
  bind<torch_info>(env, exports, "torchInfo");
}

}  // namespace medlsam::addon
