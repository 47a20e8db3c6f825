// The seam between a network and what runs it. A network is written once, as a template over an `Ops` concept
// (medlam.hpp); a runtime (native/runtimes) offers an Ops, and hands back a Network that runs what was built.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/task.hpp"

namespace medlsam {

// A dense float32 array, row-major. `owner` keeps `data` alive; a view of the caller's memory has none.
struct Array {
  const float* data = nullptr;
  std::vector<std::int64_t> shape;
  std::shared_ptr<const void> owner;
};

class Network {
 public:
  virtual ~Network() = default;
  // Outputs in the order the network declared them. Cancelled between operations where the runtime can.
  // Safe to call from several threads.
  virtual std::vector<Array> run(std::span<const Array> inputs, const Task& task) = 0;
};

}  // namespace medlsam
