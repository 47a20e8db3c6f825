#include "checkpoints/checkpoint.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "checkpoints/bytes.hpp"
#include "checkpoints/safetensors.hpp"
#include "checkpoints/torch_file.hpp"

namespace medlsam {
namespace {

using Bytes = std::span<const std::byte>;

bool is_text(Bytes bytes) {
  constexpr std::size_t kLooked = 256;
  return std::ranges::all_of(as_text(bytes.first(std::min(bytes.size(), kLooked))), [](unsigned char c) {
    return c >= 0x20 || c == '\n' || c == '\r' || c == '\t';
  });
}

// A header length below 2^56, then the JSON object of the header.
bool is_safetensors(Bytes bytes) {
  return bytes.size() > 8 && bytes[7] == std::byte{0} && bytes[8] == std::byte{'{'};
}

// A guess at the kind of a file that is not a checkpoint, and what to do about it.
std::string describe(Bytes bytes) {
  constexpr const char* kNeither = "is not a PyTorch or safetensors checkpoint";
  if (bytes.empty()) return "is empty; download it again.";
  if (starts_with(bytes, "\x1f\x8b")) return "is compressed with gzip; unpack it first.";
  if (starts_with(bytes, "version https://git-lfs")) {
    return "is a Git LFS pointer, not the checkpoint itself; run 'git lfs pull' or download the file.";
  }
  if (is_text(bytes)) {
    return std::string(kNeither) +
           " but text, perhaps a web page saved in its place; download the file again.";
  }
  return std::string(kNeither) + "; name a .pth, .tar or .safetensors file (ONNX files are not read).";
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
  throw Error(ErrorCode::kBadCheckpoint, name + ": " + describe(bytes));
}

}  // namespace

Checkpoint open_checkpoint(const std::string& path) {
  const std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  Checkpoint checkpoint = parse(file->bytes(), path);
  checkpoint.storage = file;
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
