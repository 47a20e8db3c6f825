// The module: process-wide functions, and every binding.
#include <dlfcn.h>
#include <napi.h>
#include <zlib.h>

#if defined(__linux__)
#include <malloc.h>
#endif

#include <cstdlib>

#include "addon/bindings.hpp"
#include "addon/handles.hpp"
#include "addon/runtime.hpp"
#include "addon/task_runner.hpp"
#include "base/atomic_file.hpp"
#include "base/cuda_driver.hpp"
#include "base/executor.hpp"
#include "base/simd.hpp"
#include "runtimes/onnxruntime/api.hpp"
#include "runtimes/onnxruntime/execution.hpp"
#include "runtimes/onnxruntime/onnx_runtime.hpp"

namespace medlsam::addon {
namespace {

struct OnnxRuntimeInfo {
  std::string version, error, no_cuda;
  std::vector<std::string> providers;
  std::vector<Device> devices;
};

OnnxRuntimeInfo onnx_runtime_info(const std::string& path) {
  try {
    const auto runtime = onnx::open_onnx_runtime(path);
    return {runtime->version(), "", onnx::why_no_cuda(0), onnx::providers(), runtime->devices()};
  } catch (const Error& error) {
    return {"", error.what(), "", {}, {}};
  }
}

Napi::Object to_js(Napi::Env env, const OnnxRuntimeInfo& runtime) {
  auto result = Napi::Object::New(env);
  if (!runtime.error.empty()) {
    result.Set("error", runtime.error);
    return result;
  }
  auto providers = Napi::Array::New(env, runtime.providers.size());
  for (std::uint32_t i = 0; i < runtime.providers.size(); ++i) providers.Set(i, runtime.providers[i]);
  result.Set("version", runtime.version);
  result.Set("providers", providers);
  result.Set("noCuda", runtime.no_cuda);
  result.Set("devices", device_names(env, runtime.devices));
  return result;
}

Napi::Value info(const Napi::CallbackInfo& call) {
  return run_task(
      call, call[1],
      [path = call[0].As<Napi::String>().Utf8Value()](const Task&) { return onnx_runtime_info(path); },
      [](Napi::Env env, OnnxRuntimeInfo&& runtime) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("version", MEDLSAM_VERSION);
        result.Set("compiler", __VERSION__);
        result.Set("zlib", zlibVersion());
        if (!simd_warning().empty()) result.Set("simdWarning", simd_warning());
        result.Set("onnxRuntime", to_js(env, runtime));
        return result;
      });
}

Napi::Value cuda_driver(const Napi::CallbackInfo& call) {
  return run_task(
      call, call[1],
      [library = call[0].As<Napi::String>().Utf8Value()](const Task&) { return ask_cuda_driver(library); },
      [](Napi::Env env, CudaDriver&& driver) -> Napi::Value {
        auto gpus = Napi::Array::New(env, driver.gpus.size());
        for (std::uint32_t i = 0; i < driver.gpus.size(); ++i) {
          const Gpu& gpu = driver.gpus[i];
          auto object = Napi::Object::New(env);
          object.Set("name", gpu.name);
          object.Set("memory", static_cast<double>(gpu.memory));
          object.Set("capability", std::to_string(gpu.major) + '.' + std::to_string(gpu.minor));
          gpus.Set(i, object);
        }
        auto result = Napi::Object::New(env);
        result.Set("error", driver.error);
        result.Set("version", driver.version);
        result.Set("gpus", gpus);
        return result;
      });
}

Napi::Value simd_level_of_process(const Napi::CallbackInfo& call) {
  return Napi::String::New(call.Env(), simd_level_name(simd_level()));
}

Napi::Value create_cancel(const Napi::CallbackInfo& call) {
  return make_handle(call.Env(), std::make_shared<Cancellation>());
}

Napi::Value cancel(const Napi::CallbackInfo& call) {
  open_handle<Cancellation>(call[0])->request();
  return call.Env().Undefined();
}

Napi::Value process_threads(const Napi::CallbackInfo& call) {
  return Napi::Number::New(call.Env(), threads_of_process(call[0].As<Napi::Number>().Uint32Value()));
}

Napi::Value exit_now(const Napi::CallbackInfo& call) {
  remove_unfinished_files();
  std::_Exit(call[0].As<Napi::Number>().Int32Value());
}

// Buffers from this size on come from the system and go back to it. glibc would raise this by itself to 32
// MB, and leave what was freed in the heaps of threads that have ended: over 200 scans the resident set grew
// by a quarter.
void give_large_buffers_back() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

// Node unloads an addon when the last worker that loaded it ends, unless the main thread loaded it too; the
// executor's threads stay, and with them the code that they run.
void stay_loaded() {
  Dl_info here;
  if (dladdr(reinterpret_cast<const void*>(&stay_loaded), &here) != 0)
    dlopen(here.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  give_large_buffers_back();
  stay_loaded();
  register_runtimes();
  bind<parse_device>(env, exports, "parseDevice");
  bind<simd_level_of_process>(env, exports, "simdLevel");
  bind<info>(env, exports, "info");
  bind<cuda_driver>(env, exports, "cudaDriver");
  bind<create_cancel>(env, exports, "createCancel");
  bind<cancel>(env, exports, "cancel");
  bind<release>(env, exports, "release");
  bind<process_threads>(env, exports, "threadsOfProcess");
  bind<exit_now>(env, exports, "exitNow");
  bind_volumes(env, exports);
  bind_dicom(env, exports);
  bind_grids(env, exports);
  bind_annotations(env, exports);
  bind_checkpoints(env, exports);
  bind_medlam(env, exports);
  bind_templates(env, exports);
  bind_localization(env, exports);
  bind_sam(env, exports);
  bind_masks(env, exports);
  bind_dicom_masks(env, exports);
  bind_slice_steps(env, exports);
  bind_cuda(env, exports);
  bind_torch(env, exports);
  bind_training(env, exports);
  bind_steps(env, exports);
  bind_metrics(env, exports);
  bind_phantoms(env, exports);
  return exports;
}

}  // namespace
}  // namespace medlsam::addon

static Napi::Object init_module(Napi::Env env, Napi::Object exports) {
  return medlsam::addon::init(env, exports);
}
NODE_API_MODULE(medlsam, init_module)
