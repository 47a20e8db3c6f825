#include "runtimes/runtime.hpp"

#include <map>
#include <mutex>
#include <utility>

#include "base/error.hpp"

namespace medlsam {
namespace {

std::mutex registry_mutex;

std::map<std::string, OpenRuntime>& registry() {
  static std::map<std::string, OpenRuntime> runtimes;
  return runtimes;
}

}  // namespace

void register_runtime(const std::string& name, OpenRuntime open) {
  const std::lock_guard lock(registry_mutex);
  registry()[name] = std::move(open);
}

std::shared_ptr<const Runtime> open_runtime(const std::string& name, const std::string& library) {
  OpenRuntime open;
  {
    const std::lock_guard lock(registry_mutex);
    std::string names;
    for (const auto& [each, opens] : registry()) {
      names += (names.empty() ? "" : ", ") + each;
      if (each == name) open = opens;
    }
    if (!open)
      throw Error(ErrorCode::kBadArgument, "The runtime must be one of " + names + ", not '" + name + "'.");
  }
  return open(library);
}

Compile compile_on(std::shared_ptr<const Runtime> runtime, const Placement& placement) {
  return [runtime = std::move(runtime), placement](const Graph& graph, const ParameterMap& parameters) {
    return runtime->compile(graph, parameters, placement);
  };
}

std::span<const float> parameter_values(const Graph& graph, const NamedValue& parameter,
                                        const ParameterMap& parameters) {
  const auto found = parameters.find(parameter.name);
  const Shape& shape = graph.shape(parameter.value);
  if (found == parameters.end() || found->second.dtype != DType::kF32 ||
      found->second.elements() != shape_elements(shape)) {
    throw Error(
        ErrorCode::kInternal,
        "Parameter '" + parameter.name + "' of shape " + shape_text(shape) +
            (found == parameters.end() ? " is missing."
                                       : std::string(" is a tensor of ") + dtype_name(found->second.dtype) +
                                             ' ' + shape_text(found->second.shape) + '.'));
  }
  return {reinterpret_cast<const float*>(found->second.bytes.data()), shape_elements(shape)};
}

}  // namespace medlsam
