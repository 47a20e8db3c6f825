// Tensors in the memory of a scan on a GPU.
#pragma once

#include <memory>
#include <utility>

#include "base/tensor.hpp"
#include "cuda/scan/device_scan.hpp"

namespace medlsam::cuda {

// Memory of a scan's GPU, in the order of the scan's stream.
class ScanStorage : public Storage {
 public:
  ScanStorage(std::shared_ptr<DeviceScan> scan, Device device, std::size_t bytes)
      : scan_(std::move(scan)), device_(device), data_(scan_->allocate(bytes)) {}
  ~ScanStorage() override { scan_->release(data_); }
  ScanStorage(const ScanStorage&) = delete;
  ScanStorage& operator=(const ScanStorage&) = delete;

  Device device() const override { return device_; }
  const std::byte* host() const override { return nullptr; }
  const std::byte* address() const override { return static_cast<const std::byte*>(data_); }
  void* stream() const override { return scan_->stream(); }
  void read(std::size_t offset, std::span<std::byte> to) const override {
    scan_->read(address() + offset, to);
  }
  void* data() const { return data_; }

 private:
  std::shared_ptr<DeviceScan> scan_;
  Device device_;
  void* data_;
};

// Room for a float32 tensor: networks compute in their own precision, and take float32 whichever it is.
inline std::shared_ptr<ScanStorage> make_storage(const std::shared_ptr<DeviceScan>& scan, Device gpu,
                                                 const Shape& shape) {
  return std::make_shared<ScanStorage>(scan, gpu, shape_elements(shape) * sizeof(float));
}

}  // namespace medlsam::cuda
