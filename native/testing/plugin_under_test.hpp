// The CUDA plugin that tests run: that of MEDLSAM_CUDA on a GPU, else the one that computes on the host.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "base/error.hpp"
#include "cuda/library.hpp"

namespace medlsam::testing {

// Ends the program as skipped where MEDLSAM_CUDA names a plugin and there is no GPU for it.
inline const MedlsamCudaTable& plugin_under_test(const char* host_plugin) {
  constexpr int kSkipped = 77;  // SKIP_RETURN_CODE of CMake
  const char* named = std::getenv("MEDLSAM_CUDA");
  const MedlsamCudaTable& table = cuda::load(named != nullptr ? named : host_plugin);
  try {
    cuda::devices(table);
  } catch (const Error& error) {
    std::fprintf(stderr, "Skipped: %s\n", error.what());
    std::exit(kSkipped);
  }
  return table;
}

// Values in device memory, freed in the end.
class DeviceValues {
 public:
  DeviceValues(const MedlsamCudaTable& table, std::size_t bytes) : table_(table), bytes_(bytes) {
    cuda::check(table, table.open_session(0, nullptr, &session_));
    cuda::check(table, table.allocate(session_, bytes, &data_));
  }
  template <class T>
  DeviceValues(const MedlsamCudaTable& table, const std::vector<T>& values)
      : DeviceValues(table, values.size() * sizeof(T)) {
    cuda::check(table, table.to_device(session_, values.data(), bytes_, data_));
  }
  ~DeviceValues() {
    table_.release(session_, data_);
    table_.close_session(session_);
  }
  DeviceValues(const DeviceValues&) = delete;
  DeviceValues& operator=(const DeviceValues&) = delete;

  void* data() const { return data_; }
  // After the work of another session's stream was waited for.
  template <class T>
  std::vector<T> read() const {
    std::vector<T> values(bytes_ / sizeof(T));
    cuda::check(table_, table_.to_host(session_, data_, bytes_, values.data()));
    return values;
  }

 private:
  const MedlsamCudaTable& table_;
  std::size_t bytes_;
  void* session_ = nullptr;
  void* data_ = nullptr;
};

}  // namespace medlsam::testing
