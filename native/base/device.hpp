// Where a network computes and where a tensor's memory lies.
#pragma once

#include <string>
#include <string_view>

namespace medlsam {

enum class DeviceKind { kCpu, kCuda };

// Index that leaves the GPU open: the first, or in training each process's own.
inline constexpr int kAnyGpu = -1;

struct Device {
  DeviceKind kind = DeviceKind::kCpu;
  int index = 0;  // of the GPU, counted from 0, or kAnyGpu; 0 for the CPU

  // The one parser of what users write: "cpu", "cuda" or "gpu" for kAnyGpu, "cuda:N" or "gpu:N" with N up to
  // 999. Throws kBadArgument for anything else.
  static Device parse(std::string_view text);

  std::string text() const;  // "cpu", "cuda" or "cuda:N"
  bool is_cpu() const { return kind == DeviceKind::kCpu; }
  Device first() const { return {kind, index == kAnyGpu ? 0 : index}; }  // a definite one
  bool operator==(const Device&) const = default;
};

}  // namespace medlsam
