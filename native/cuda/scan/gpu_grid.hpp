// A grid in the memory of a GPU.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "cuda/scan/device_scan.hpp"

namespace medlsam::cuda {

// The scan that a grid was made in, for one patch source after another. Safe to use from several threads.
class GpuGrid : public GridOnGpu {
 public:
  GpuGrid(Device gpu, std::shared_ptr<DeviceScan> scan) : gpu_(gpu), scan_(std::move(scan)) {}

  Device gpu() const { return gpu_; }
  // Null while another has it.
  std::shared_ptr<DeviceScan> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(scan_, nullptr);
  }
  void give_back(std::shared_ptr<DeviceScan> scan) {
    const std::lock_guard lock(mutex_);
    scan_ = std::move(scan);
  }

 private:
  const Device gpu_;
  std::mutex mutex_;
  std::shared_ptr<DeviceScan> scan_;
};

// The volume goes up, and the grid comes down; a copy of it stays. Throws as make_grid and DeviceScan do.
Grid make_gpu_grid(const MedlsamCudaTable& table, const Volume& volume, Conventions conventions,
                   bool normalized, Device gpu, const Task& task);

}  // namespace medlsam::cuda
