// Runtimes of networks: a runtime compiles any graph for a device. A new runtime is one folder next to this
// file, registered under its name.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/device.hpp"
#include "base/tensor.hpp"
#include "networks/network.hpp"

namespace medlsam {

// The device and the arithmetic that a network is to compute with.
struct Placement {
  Device device;
  DType precision = DType::kF32;  // of parameters and arithmetic: kF32, kBF16 or kF16
  unsigned threads = 1;           // of the CPU
};

class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual std::string name() const = 0;  // under which it is registered
  virtual std::string version() const = 0;
  virtual std::vector<Device> devices() const = 0;  // those that are there, the CPU first

  // The placement with a definite device. Throws kBadArgument for a precision that the runtime has not,
  // kRuntimeUnavailable for a device that is not there: whether to compute elsewhere instead is the caller's
  // to decide.
  virtual Placement place(const Placement& wanted) const = 0;

  // `placement` comes from place(). Parameters are found by name, and their memory outlives the Network.
  // Throws kInternal where the graph cannot be compiled.
  virtual std::unique_ptr<Network> compile(const Graph& graph, const ParameterMap& parameters,
                                           const Placement& placement) const = 0;
};

// Loads the runtime's library; throws kRuntimeUnavailable saying what to do.
using OpenRuntime = std::function<std::shared_ptr<const Runtime>(const std::string& library)>;

void register_runtime(const std::string& name, OpenRuntime open);

// Throws kBadArgument for a name that is not registered, and what opening it throws.
std::shared_ptr<const Runtime> open_runtime(const std::string& name, const std::string& library);

// The runtime bound to a placement, for the models of networks/.
Compile compile_on(std::shared_ptr<const Runtime> runtime, const Placement& placement);

// The parameter's values. Throws kInternal if it is missing, is not float32 or has another number of elements
// than the graph's value.
std::span<const float> parameter_values(const Graph& graph, const NamedValue& parameter,
                                        const ParameterMap& parameters);

}  // namespace medlsam
