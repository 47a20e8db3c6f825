// Scans' voxels on GPUs beyond the session that loaded them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "kernels/cuda/axis_operator.hpp"
#include "kernels/cuda/grid.hpp"
#include "kernels/cuda/memory.hpp"

namespace medlsam::cuda {

// In device memory, for any number of sessions.
struct LoadedVolume {
  int device = 0;
  DeviceArray<std::byte> memory;
  StoredValues values;
  Extents shape;
};

// Volumes for whoever works on them next. They give way where memory does not suffice for what is under way.
// Safe to use from several threads.
class SharedVolumes {
 public:
  void* add(std::shared_ptr<const LoadedVolume> volume);
  // Null for one that gave way.
  std::shared_ptr<const LoadedVolume> find(const void* handle) const;
  void remove(const void* handle);
  // Frees those of the device that no session uses; whether there were any.
  bool give_way(int device);

 private:
  mutable std::mutex mutex_;
  std::uintptr_t last_ = 0;
  std::map<std::uintptr_t, std::shared_ptr<const LoadedVolume>> volumes_;
};

// Those of the process.
SharedVolumes& shared_volumes();

}  // namespace medlsam::cuda
