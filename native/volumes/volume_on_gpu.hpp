// A copy of a volume's voxels in the memory of a GPU.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace medlsam {

class VolumeOnGpu {
 public:
  virtual ~VolumeOnGpu() = default;
};

// A volume's place for it, so that what works on the volume next need not send it again. Safe to use from
// several threads. A volume that was copied or moved may be changed: it begins without.
class GpuCopy {
 public:
  GpuCopy() = default;
  GpuCopy(const GpuCopy&) noexcept {}
  GpuCopy& operator=(const GpuCopy&) noexcept {
    set(nullptr);
    return *this;
  }
  ~GpuCopy() = default;

  std::shared_ptr<const VolumeOnGpu> get() const {
    const std::lock_guard lock(mutex_);
    return copy_;
  }
  void set(std::shared_ptr<const VolumeOnGpu> copy) {
    const std::lock_guard lock(mutex_);
    std::swap(copy_, copy);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const VolumeOnGpu> copy_;
};

}  // namespace medlsam
