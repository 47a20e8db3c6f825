#include "runtimes/torch/library.hpp"

#include <dlfcn.h>

#include <mutex>

#include "base/error.hpp"

namespace medlsam::torch {
namespace {

std::mutex load_mutex;
std::string loaded_path;
const MedlsamTorchTable* loaded_table = nullptr;

[[noreturn]] void unavailable(const std::string& message) {
  throw Error(ErrorCode::kRuntimeUnavailable,
              message + " Build it with `npm run build:torch`, or name another in MEDLSAM_TORCH.");
}

}  // namespace

const MedlsamTorchTable& load(const std::string& path) {
  const std::lock_guard lock(load_mutex);
  if (loaded_table != nullptr) {
    if (path == loaded_path) return *loaded_table;
    throw Error(ErrorCode::kRuntimeUnavailable, "The torch plugin is already loaded from " + loaded_path +
                                                    "; this process cannot use " + path + " as well.");
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    unavailable("The torch plugin could not be loaded: " + std::string(dlerror()) + '.');
  const auto abi = reinterpret_cast<MedlsamTorchAbi>(dlsym(library, "medlsam_torch_abi"));
  const auto table = reinterpret_cast<MedlsamTorchGetTable>(dlsym(library, "medlsam_torch_table"));
  if (abi == nullptr || table == nullptr) unavailable(path + " is not medlsam's torch plugin.");
  if (abi() != MEDLSAM_TORCH_ABI) {
    unavailable("The torch plugin at " + path + " has interface " + std::to_string(abi()) + ", wanted " +
                std::to_string(MEDLSAM_TORCH_ABI) + ": it was built from another version of medlsam.");
  }
  loaded_table = table();
  loaded_path = path;
  return *loaded_table;
}

void check(const MedlsamTorchTable& table, std::int32_t result) {
  if (result != 0) throw Error(static_cast<ErrorCode>(result - 1), table.last_error());
}

}  // namespace medlsam::torch
