// The CUDA plugin that computes on the host (cuda/plugin), for tests of the whole package; memory_host.cpp
// has what its machine is like. MEDLSAM_STAND_IN_CUDA_ABI: the interface's number. MEDLSAM_STAND_IN_CUDA_LOG:
// a file that gets the name of each function that is called, a line each. MEDLSAM_STAND_IN_CUDA_CALLS: after
// how many of these calls the GPU is lost.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <type_traits>

#include "base/error.hpp"
#include "cuda/plugin/table.hpp"

namespace {

using medlsam::ErrorCode;
using medlsam::cuda::plugin_table;

int number(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atoi(text);
}

std::mutex log_mutex;
std::atomic<int> calls{0};
thread_local bool is_lost = false;

void log(const char* name) {
  const char* path = std::getenv("MEDLSAM_STAND_IN_CUDA_LOG");
  if (path == nullptr) return;
  const std::lock_guard lock(log_mutex);
  std::ofstream(path, std::ios::app) << name << '\n';
}

template <auto Function, class Signature>
struct Watched;

template <auto Function, class... Arguments>
struct Watched<Function, std::int32_t (*)(Arguments...)> {
  static inline const char* name = "";
  static std::int32_t call(Arguments... arguments) {
    const int most = number("MEDLSAM_STAND_IN_CUDA_CALLS", -1);
    is_lost = most >= 0 && calls++ >= most;
    if (is_lost) return 1 + static_cast<std::int32_t>(ErrorCode::kDeviceFailed);
    log(name);
    return (plugin_table().*Function)(arguments...);
  }
};

template <auto Function>
void watch(MedlsamCudaTable& table, const char* name) {
  using Call = Watched<Function, std::remove_reference_t<decltype(table.*Function)>>;
  Call::name = name;
  table.*Function = Call::call;
}

MedlsamCudaTable watched_table() {
  MedlsamCudaTable table = plugin_table();
  table.last_error = [] {
    return is_lost ? "CUDA: work on the GPU failed: unspecified launch failure."
                   : plugin_table().last_error();
  };
  watch<&MedlsamCudaTable::load_volume>(table, "load_volume");
  watch<&MedlsamCudaTable::fill_grid>(table, "fill_grid");
  watch<&MedlsamCudaTable::load_grid>(table, "load_grid");
  watch<&MedlsamCudaTable::gather_patches>(table, "gather_patches");
  watch<&MedlsamCudaTable::find_peaks>(table, "find_peaks");
  watch<&MedlsamCudaTable::support_kernels>(table, "support_kernels");
  watch<&MedlsamCudaTable::prepare_slices>(table, "prepare_slices");
  watch<&MedlsamCudaTable::decode_masks>(table, "decode_masks");
  watch<&MedlsamCudaTable::keep_masks>(table, "keep_masks");
  watch<&MedlsamCudaTable::read_masks>(table, "read_masks");
  return table;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) std::int32_t medlsam_cuda_abi() {
  return number("MEDLSAM_STAND_IN_CUDA_ABI", MEDLSAM_CUDA_ABI);
}

__attribute__((visibility("default"))) const MedlsamCudaTable* medlsam_cuda_table() {
  static const MedlsamCudaTable table = watched_table();
  return &table;
}
}
