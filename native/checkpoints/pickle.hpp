// Reads the pickles that torch.save writes, without executing them. A pickle is a program for a machine that
// can call any Python function; this machine has only the opcodes and the few globals that tensors need, and
// refuses the file at the first other one (algorithm.md part 2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/tensor.hpp"

namespace medlsam {

// Values refer to each other by their place in Pickle::values, so that a container that holds itself is
// harmless. Text and bytes are views into the pickle.
using PickleId = std::uint32_t;

struct PickleNone {};

struct PickleBytes {
  std::string_view bytes;
};

struct PickleList {
  std::vector<PickleId> items;
};

struct PickleTuple {
  std::vector<PickleId> items;
};

struct PickleDict {
  std::vector<std::pair<PickleId, PickleId>>
      items;  // key, value; in the order they were set, repeats and all
};

// A global, by what REDUCE does with it.
struct PickleGlobal {
  enum class Role : std::uint8_t {
    kOrderedDict,  // a dictionary
    kDefaultDict,  // a dictionary; its factory of missing values is ignored
    kTensor,       // torch._utils._rebuild_tensor and _v2: the storage has the type
    kTypedTensor,  // torch._utils._rebuild_tensor_v3: the arguments have it
    kParameter,    // torch._utils._rebuild_parameter: its first argument
    kStorageType,  // names a storage in a persistent id
    kDType,        // names an element type
    kOpaque,  // an inert object that is ignored with its state: devices, numpy scalars, argparse.Namespace
  };
  Role role = Role::kOpaque;
  std::optional<DType> dtype;  // for kStorageType (nullopt: untyped bytes) and kDType
};

// A run of elements stored elsewhere in the checkpoint, under `key`.
struct PickleStorage {
  std::optional<DType> dtype;  // nullopt: `count` is a number of bytes
  std::string_view key;
  std::uint64_t count = 0;
};

// A window of a storage as the file describes it, not yet checked against the storage.
struct PickleTensor {
  PickleStorage storage;
  DType dtype = DType::kF32;
  std::uint64_t offset = 0;                  // elements
  std::vector<std::int64_t> shape, strides;  // of equal length
};

struct PickleOpaque {
  std::string_view bytes;  // a whole number beyond 64 bits (two's complement, little-endian), or empty
};

using PickleValue =
    std::variant<PickleNone, bool, std::int64_t, double, std::string_view, PickleBytes, PickleList,
                 PickleTuple, PickleDict, PickleGlobal, PickleStorage, PickleTensor, PickleOpaque>;

struct Pickle {
  std::vector<PickleValue> values;
  PickleId root = 0;
  std::size_t size = 0;  // bytes up to and including STOP

  const PickleValue& operator[](PickleId id) const { return values[id]; }
};

// Reads one pickle of protocol 2 to 5 from the front of `bytes`; other data may follow it. Memory and time
// are bounded by the bytes and by a limit on the number of instructions. Throws kBadCheckpoint with the byte
// and the opcode or global that was refused. `name`: the file's name in messages.
Pickle parse_pickle(std::span<const std::byte> bytes, const std::string& name);

}  // namespace medlsam
