#include "cuda/plugin/shared_volumes.hpp"

#include <utility>

namespace medlsam::cuda {

void* SharedVolumes::add(std::shared_ptr<const LoadedVolume> volume) {
  const std::lock_guard lock(mutex_);
  volumes_[++last_] = std::move(volume);
  return reinterpret_cast<void*>(last_);
}

std::shared_ptr<const LoadedVolume> SharedVolumes::find(const void* handle) const {
  const std::lock_guard lock(mutex_);
  const auto found = volumes_.find(reinterpret_cast<std::uintptr_t>(handle));
  return found == volumes_.end() ? nullptr : found->second;
}

void SharedVolumes::remove(const void* handle) {
  const std::lock_guard lock(mutex_);
  volumes_.erase(reinterpret_cast<std::uintptr_t>(handle));
}

bool SharedVolumes::give_way(int device) {
  const std::lock_guard lock(mutex_);
  return std::erase_if(volumes_, [device](const auto& entry) {
           const auto& [handle, volume] = entry;
           return volume->device == device && volume.use_count() == 1;
         }) > 0;
}

SharedVolumes& shared_volumes() {
  // Leaked on purpose: when the process ends, CUDA may end first.
  static auto* volumes = new SharedVolumes;
  return *volumes;
}

}  // namespace medlsam::cuda
