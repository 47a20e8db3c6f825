// The globals a checkpoint's pickle may name, and what calling them makes.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "checkpoints/pickle.hpp"

namespace medlsam {

// nullopt: not one of those that tensors need.
std::optional<PickleGlobal> find_global(std::string_view module, std::string_view name);

// What REDUCE makes. nullopt: these are not the arguments that torch.save writes for it.
std::optional<PickleValue> call_global(std::span<const PickleValue> values, const PickleGlobal& callee,
                                       const PickleTuple& arguments);

// The storage a persistent id names: ('storage', type, key, location, count[, None]). nullopt: it is another.
std::optional<PickleStorage> find_storage(std::span<const PickleValue> values, const PickleTuple& id);

}  // namespace medlsam
