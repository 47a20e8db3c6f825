#include "addon/bindings.hpp"
#include "addon/task_runner.hpp"
#include "base/device.hpp"
#include "cuda/library.hpp"
#include "cuda/scan/gpu_sources.hpp"

namespace medlsam::addon {
namespace {

struct CudaPlugin {
  std::int32_t runtime = 0;
  std::string architectures;
  std::int64_t pool_bytes = 0, mask_bytes = 0;
  int gpus = 0;
  std::string no_gpu;  // why there is none; "" if there is one
};

CudaPlugin describe_plugin(const std::string& path) {
  const MedlsamCudaTable& table = cuda::load(path);
  CudaPlugin plugin = {table.runtime_version, table.architectures, table.pool_bytes, table.mask_bytes, 0, ""};
  try {
    plugin.gpus = static_cast<int>(cuda::devices(table).size());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kRuntimeUnavailable) throw;
    plugin.no_gpu = error.what();
  }
  return plugin;
}

Napi::Value cuda_plugin_info(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[1],
      [path = info[0].As<Napi::String>().Utf8Value()](const Task&) { return describe_plugin(path); },
      [](Napi::Env env, CudaPlugin&& plugin) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("cuda", plugin.runtime);
        result.Set("architectures", plugin.architectures);
        result.Set("pool", static_cast<double>(plugin.pool_bytes));
        result.Set("masks", static_cast<double>(plugin.mask_bytes));
        result.Set("gpus", plugin.gpus);
        result.Set("noGpu", plugin.no_gpu);
        return result;
      });
}

// Scans of networks on this GPU are prepared and searched there from now on.
Napi::Value use_cuda_plugin(const Napi::CallbackInfo& info) {
  return run_task(
      info, info[2],
      [path = info[0].As<Napi::String>().Utf8Value(),
       device = Device::parse(info[1].As<Napi::String>().Utf8Value())](const Task&) {
        const MedlsamCudaTable& table = cuda::load(path);
        cuda::require_gpu(table, device.first().index);
        cuda::register_gpu_sources(table);
        return true;
      },
      [](Napi::Env env, bool) { return env.Undefined(); });
}

}  // namespace

void bind_cuda(Napi::Env env, Napi::Object exports) {
  bind<cuda_plugin_info>(env, exports, "cudaPluginInfo");
  bind<use_cuda_plugin>(env, exports, "useCudaPlugin");
}

}  // namespace medlsam::addon
