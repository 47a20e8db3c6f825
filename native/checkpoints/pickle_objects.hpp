// The globals that a checkpoint's pickle may name, and the results of calling them.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "checkpoints/pickle.hpp"

namespace medlsam {

// nullopt if it is not one of those that tensors need.
std::optional<PickleGlobal> find_global(std::string_view module, std::string_view name);

// The result of REDUCE. nullopt if these are not the arguments that torch.save writes.
std::optional<PickleValue> call_global(std::span<const PickleValue> values, const PickleGlobal& callee,
                                       const PickleTuple& arguments);

// The storage in a persistent id ('storage', type, key, location, count[, None]). nullopt for any other id.
std::optional<PickleStorage> find_storage(std::span<const PickleValue> values, const PickleTuple& id);

}  // namespace medlsam
