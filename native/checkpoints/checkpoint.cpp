#include "checkpoints/checkpoint.hpp"

#include <utility>

#include "base/error.hpp"
#include "base/file_kind.hpp"
#include "base/mapped_file.hpp"
#include "checkpoints/bytes.hpp"
#include "checkpoints/int8.hpp"
#include "checkpoints/safetensors.hpp"
#include "checkpoints/torch_file.hpp"

namespace medlsam {
namespace {

using Bytes = std::span<const std::byte>;

// Why a file is not a checkpoint, and what to do about it.
std::string refusal(Bytes bytes) {
  if (bytes.empty()) return "is empty; download it again.";
  const std::string kind = file_kind(bytes);
  return "is not a PyTorch or safetensors checkpoint" + (kind.empty() ? "" : "; it looks like " + kind) +
         ". Name a .pth, .tar or .safetensors file (ONNX files are not read); download it again if it should "
         "be "
         "one, and unpack it if it is compressed.";
}

template <class Value>
void keep_beneath(std::map<std::string, Value>& named, const std::string& prefix) {
  std::map<std::string, Value> kept;
  for (auto& [name, value] : named) {
    if (name.starts_with(prefix)) kept.emplace(name.substr(prefix.size()), std::move(value));
  }
  named = std::move(kept);
}

Checkpoint parse(Bytes bytes, const std::string& name) {
  constexpr const char* kPickleProtocol = "\x80";
  if (starts_with(bytes, "PK\x03\x04") || starts_with(bytes, kPickleProtocol))
    return parse_torch(bytes, name);
  if (is_safetensors(bytes)) return parse_safetensors(bytes, name);
  throw Error(ErrorCode::kBadCheckpoint, name + ": " + refusal(bytes));
}

}  // namespace

Checkpoint open_checkpoint(const std::string& path) {
  const std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  Checkpoint checkpoint = parse(file->bytes(), path);
  checkpoint.storage = file;
  if (is_safetensors(file->bytes())) unpack_int8(checkpoint, path);
  return checkpoint;
}

std::vector<std::string> prefixes_of(const Checkpoint& checkpoint, std::string_view tensor) {
  std::string ending = ".";
  ending += tensor;
  std::vector<std::string> prefixes;
  for (const auto& [name, view] : checkpoint.tensors) {
    if (name.size() > ending.size() && name.ends_with(ending))
      prefixes.push_back(name.substr(0, name.size() - ending.size()));
  }
  return prefixes;
}

void strip_prefix(Checkpoint& checkpoint, std::string_view tensor) {
  const std::vector<std::string> prefixes = prefixes_of(checkpoint, tensor);
  if (prefixes.size() != 1 || checkpoint.tensors.contains(std::string(tensor))) return;
  keep_beneath(checkpoint.tensors, prefixes.front() + ".");
  keep_beneath(checkpoint.adam, prefixes.front() + ".");
}

}  // namespace medlsam
