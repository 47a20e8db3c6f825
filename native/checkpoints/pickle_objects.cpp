#include "checkpoints/pickle_objects.hpp"

namespace medlsam {
namespace {

using Role = PickleGlobal::Role;
using Values = std::span<const PickleValue>;

constexpr std::size_t kMaxRank = 16;

struct KnownGlobal {
  std::string_view module, name;
  PickleGlobal global;
};

constexpr KnownGlobal kGlobals[] = {
    {"collections", "OrderedDict", {Role::kOrderedDict, {}}},
    {"torch._utils", "_rebuild_tensor", {Role::kTensor, {}}},
    {"torch._utils", "_rebuild_tensor_v2", {Role::kTensor, {}}},
    {"torch._utils", "_rebuild_tensor_v3", {Role::kTypedTensor, {}}},
    {"torch._utils", "_rebuild_parameter", {Role::kParameter, {}}},
    {"torch", "DoubleStorage", {Role::kStorageType, DType::kF64}},
    {"torch", "FloatStorage", {Role::kStorageType, DType::kF32}},
    {"torch", "HalfStorage", {Role::kStorageType, DType::kF16}},
    {"torch", "BFloat16Storage", {Role::kStorageType, DType::kBF16}},
    {"torch", "LongStorage", {Role::kStorageType, DType::kI64}},
    {"torch", "IntStorage", {Role::kStorageType, DType::kI32}},
    {"torch", "ShortStorage", {Role::kStorageType, DType::kI16}},
    {"torch", "CharStorage", {Role::kStorageType, DType::kI8}},
    {"torch", "ByteStorage", {Role::kStorageType, DType::kU8}},
    {"torch", "BoolStorage", {Role::kStorageType, DType::kBool}},
    {"torch.storage", "UntypedStorage", {Role::kStorageType, {}}},
    {"torch", "uint16", {Role::kDType, DType::kU16}},  // types without a storage type
    {"torch", "uint32", {Role::kDType, DType::kU32}},
    {"torch", "uint64", {Role::kDType, DType::kU64}},
    {"torch", "device", {Role::kOpaque, {}}},
    {"torch", "Size", {Role::kOpaque, {}}},
    {"_codecs", "encode", {Role::kOpaque, {}}},  // how protocol 2 writes bytes
    // Saved by training scripts besides the tensors. Protocol 2 uses the old name of the built-in module.
    {"collections", "defaultdict", {Role::kDefaultDict, {}}},
    {"collections", "Counter", {Role::kOpaque, {}}},  // of a learning rate's schedule
    {"argparse", "Namespace", {Role::kOpaque, {}}},
    {"types", "SimpleNamespace", {Role::kOpaque, {}}},
    {"pathlib", "PosixPath", {Role::kOpaque, {}}},
    {"pathlib", "WindowsPath", {Role::kOpaque, {}}},
    {"pathlib", "PurePosixPath", {Role::kOpaque, {}}},
    {"pathlib", "PureWindowsPath", {Role::kOpaque, {}}},
    {"__builtin__", "set", {Role::kOpaque, {}}},
    {"builtins", "set", {Role::kOpaque, {}}},
    {"__builtin__", "list", {Role::kOpaque, {}}},  // a defaultdict's factory
    {"builtins", "list", {Role::kOpaque, {}}},
    {"__builtin__", "dict", {Role::kOpaque, {}}},
    {"builtins", "dict", {Role::kOpaque, {}}},
    {"numpy", "ndarray", {Role::kOpaque, {}}},
    {"numpy.core.multiarray", "_reconstruct", {Role::kOpaque, {}}},
    {"numpy._core.multiarray", "_reconstruct", {Role::kOpaque, {}}},
    {"numpy", "dtype", {Role::kOpaque, {}}},
    {"numpy.core.multiarray", "scalar", {Role::kOpaque, {}}},
    {"numpy._core.multiarray", "scalar", {Role::kOpaque, {}}},
};

template <class T>
const T* argument(Values values, const PickleTuple& arguments, std::size_t index) {
  return index < arguments.items.size() ? std::get_if<T>(&values[arguments.items[index]]) : nullptr;
}

std::optional<std::vector<std::int64_t>> integers(Values values, const PickleTuple* tuple) {
  if (!tuple || tuple->items.size() > kMaxRank) return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (const PickleId id : tuple->items) {
    const auto* number = std::get_if<std::int64_t>(&values[id]);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

// (storage, offset, shape, strides, …): the first arguments of every version of _rebuild_tensor.
std::optional<PickleValue> rebuild_tensor(Values values, std::optional<DType> dtype,
                                          const PickleTuple& arguments) {
  const auto* storage = argument<PickleStorage>(values, arguments, 0);
  const auto* offset = argument<std::int64_t>(values, arguments, 1);
  auto shape = integers(values, argument<PickleTuple>(values, arguments, 2));
  auto strides = integers(values, argument<PickleTuple>(values, arguments, 3));
  if (!storage || !offset || *offset < 0 || !shape || !strides || shape->size() != strides->size()) return {};
  if (!dtype) dtype = storage->dtype;
  if (!dtype) return {};
  return PickleTensor{*storage, *dtype, static_cast<std::uint64_t>(*offset), std::move(*shape),
                      std::move(*strides)};
}

// OrderedDict() or, from Python 2, OrderedDict([[key, value], …]).
std::optional<PickleValue> ordered_dict(Values values, const PickleTuple& arguments) {
  PickleDict dict;
  if (arguments.items.empty()) return dict;
  const auto* pairs = argument<PickleList>(values, arguments, 0);
  if (!pairs || arguments.items.size() != 1) return {};
  for (const PickleId id : pairs->items) {
    const auto* pair = std::get_if<PickleList>(&values[id]);
    if (!pair || pair->items.size() != 2) return {};
    dict.items.emplace_back(pair->items[0], pair->items[1]);
  }
  return dict;
}

}  // namespace

std::optional<PickleGlobal> find_global(std::string_view module, std::string_view name) {
  for (const KnownGlobal& known : kGlobals) {
    if (known.module == module && known.name == name) return known.global;
  }
  return std::nullopt;
}

std::optional<PickleValue> call_global(Values values, const PickleGlobal& callee,
                                       const PickleTuple& arguments) {
  switch (callee.role) {
    case Role::kOrderedDict:
      return ordered_dict(values, arguments);
    case Role::kDefaultDict:
      return PickleDict{};
    case Role::kTensor:
      return rebuild_tensor(values, std::nullopt, arguments);
    case Role::kTypedTensor: {
      const auto* dtype = argument<PickleGlobal>(values, arguments, 6);
      if (!dtype || dtype->role != Role::kDType) return {};
      return rebuild_tensor(values, dtype->dtype, arguments);
    }
    case Role::kParameter: {
      const auto* tensor = argument<PickleTensor>(values, arguments, 0);
      if (!tensor) return {};
      return *tensor;
    }
    case Role::kOpaque:
      return PickleOpaque{};
    case Role::kStorageType:
    case Role::kDType:
      return {};
  }
  return {};
}

std::optional<PickleStorage> find_storage(Values values, const PickleTuple& id) {
  const auto* tag = argument<std::string_view>(values, id, 0);
  const auto* type = argument<PickleGlobal>(values, id, 1);
  const auto* key = argument<std::string_view>(values, id, 2);
  const auto* count = argument<std::int64_t>(values, id, 4);
  const bool is_view = id.items.size() > 5 && !argument<PickleNone>(values, id, 5);
  if (!tag || *tag != "storage" || !type || type->role != Role::kStorageType || !key || !count || *count < 0)
    return {};
  if (is_view) return {};
  return PickleStorage{type->dtype, *key, static_cast<std::uint64_t>(*count)};
}

}  // namespace medlsam
