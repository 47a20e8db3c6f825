#include "runtimes/onnxruntime/api.hpp"

#include <dlfcn.h>

#include <mutex>

#include "base/error.hpp"
#include "base/executor.hpp"

namespace medlsam::onnx {
namespace {

// The Model Editor API, which builds graphs in memory, came with API 22; the headers decide what is asked
// for.
static_assert(ORT_API_VERSION >= 22);

std::mutex load_mutex;
std::string loaded_path;
const OrtApiBase* api_base = nullptr;

[[noreturn]] void unavailable(const std::string& message) {
  throw Error(ErrorCode::kRuntimeUnavailable,
              message + " Install it with `npm install onnxruntime-node`, or name a library of version 1." +
                  std::to_string(ORT_API_VERSION) + " or later in MEDLSAM_ONNXRUNTIME.");
}

}  // namespace

void load(const std::string& path) {
  std::lock_guard lock(load_mutex);
  if (api_base != nullptr) {
    if (path == loaded_path) return;
    throw Error(ErrorCode::kRuntimeUnavailable, "ONNX Runtime is already loaded from " + loaded_path +
                                                    "; this process cannot use " + path + " as well.");
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) unavailable("ONNX Runtime could not be loaded: " + std::string(dlerror()) + '.');
  const auto get_base = reinterpret_cast<const OrtApiBase* (*)()>(dlsym(library, "OrtGetApiBase"));
  if (get_base == nullptr) unavailable(path + " is not ONNX Runtime: it has no OrtGetApiBase.");
  const OrtApiBase* base = get_base();
  const OrtApi* api = base->GetApi(ORT_API_VERSION);
  if (api == nullptr) {
    unavailable("ONNX Runtime at " + path + " is version " + base->GetVersionString() + ", wanted 1." +
                std::to_string(ORT_API_VERSION) + " or later.");
  }
  if (api->GetModelEditorApi() == nullptr) {
    unavailable("ONNX Runtime at " + path + " is a minimal build without the Model Editor API.");
  }
  Ort::InitApi(api);
  api_base = base;
  loaded_path = path;
}

std::string path() {
  return loaded_path;
}

std::string version() {
  return api_base->GetVersionString();
}

std::vector<std::string> providers() {
  return Ort::GetAvailableProviders();
}

Ort::Env& environment() {
  // Leaked on purpose: sessions may outlive static destruction when the process ends in the middle of a run.
  static auto* env = [] {
    // One pool of threads for all sessions, as large as ours: whoever calls a session takes part in its work.
    Ort::ThreadingOptions threads;
    threads.SetGlobalIntraOpNumThreads(static_cast<int>(executor().threads()));
    threads.SetGlobalInterOpNumThreads(1);
    // Threads that wait for the next run by spinning would take the cores from the work between runs.
    threads.SetGlobalSpinControl(0);
    auto* made = new Ort::Env(threads, ORT_LOGGING_LEVEL_FATAL, "medlsam");
    // One arena for all sessions, which seldom run at once, growing by what is asked for: each with one of
    // its own, growing by doubling, would keep about twice the memory.
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const Ort::ArenaCfg exact({{"arena_extend_strategy", 1}});
    made->CreateAndRegisterAllocator(memory, exact);
    return made;
  }();
  return *env;
}

}  // namespace medlsam::onnx
