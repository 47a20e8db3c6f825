#include "cuda/library.hpp"

#include <dlfcn.h>

#include <mutex>

#include "base/error.hpp"

namespace medlsam::cuda {
namespace {

std::mutex load_mutex;
std::string loaded_path;
const MedlsamCudaTable* loaded_table = nullptr;

[[noreturn]] void unavailable(const std::string& message) {
  throw Error(ErrorCode::kRuntimeUnavailable,
              message + " Build it with `npm run build:cuda`, or name another in MEDLSAM_CUDA.");
}

}  // namespace

const MedlsamCudaTable& load(const std::string& path) {
  const std::lock_guard lock(load_mutex);
  if (loaded_table != nullptr) {
    if (path == loaded_path) return *loaded_table;
    throw Error(ErrorCode::kRuntimeUnavailable, "The CUDA plugin is already loaded from " + loaded_path +
                                                    "; this process cannot use " + path + " as well.");
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) unavailable("The CUDA plugin could not be loaded: " + std::string(dlerror()) + '.');
  const auto abi = reinterpret_cast<MedlsamCudaAbi>(dlsym(library, "medlsam_cuda_abi"));
  const auto table = reinterpret_cast<MedlsamCudaGetTable>(dlsym(library, "medlsam_cuda_table"));
  if (abi == nullptr || table == nullptr) {
    dlclose(library);
    unavailable(path + " is not medlsam's CUDA plugin.");
  }
  if (const std::int32_t found = abi(); found != MEDLSAM_CUDA_ABI) {
    dlclose(library);
    unavailable("The CUDA plugin at " + path + " has interface " + std::to_string(found) + ", wanted " +
                std::to_string(MEDLSAM_CUDA_ABI) + ": it was built from another version of medlsam.");
  }
  loaded_table = table();
  loaded_path = path;
  return *loaded_table;
}

void check(const MedlsamCudaTable& table, std::int32_t result) {
  if (result != 0) throw Error(static_cast<ErrorCode>(result - 1), table.last_error());
}

std::vector<MedlsamCudaDevice> devices(const MedlsamCudaTable& table) {
  std::vector<MedlsamCudaDevice> found(64);
  std::int32_t count = 0;
  check(table, table.devices(found.data(), static_cast<std::int32_t>(found.size()), &count));
  found.resize(count);
  return found;
}

void require_gpu(const MedlsamCudaTable& table, int gpu) {
  void* session = nullptr;
  check(table, table.open_session(gpu, nullptr, &session));
  table.close_session(session);
}

std::string version_text(std::int32_t version) {
  return std::to_string(version / 1000) + '.' + std::to_string(version % 1000 / 10);
}

}  // namespace medlsam::cuda
