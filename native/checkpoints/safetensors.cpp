#include "checkpoints/safetensors.hpp"

#include <set>
#include <utility>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "checkpoints/bytes.hpp"

namespace medlsam {
namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;  // the format's own limit
constexpr std::size_t kMaxRank = 16;
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kLengthBytes = 8;
constexpr const char* kMetadataKey = "__metadata__";

struct Entry {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::vector<std::uint64_t> offsets;
};

void read_numbers(JsonReader& json, std::size_t limit, auto& numbers) {
  json.array([&] {
    if (numbers.size() == limit) json.fail("more than " + std::to_string(limit) + " numbers in a list");
    numbers.push_back(static_cast<typename std::decay_t<decltype(numbers)>::value_type>(json.natural()));
  });
}

Entry read_entry(JsonReader& json) {
  Entry entry;
  std::set<std::string> seen;
  json.object([&](const std::string& key) {
    if (!seen.insert(key).second) json.fail(json_string(key) + " appears twice");
    if (key == "dtype") {
      entry.dtype = json.string();
    } else if (key == "shape") {
      read_numbers(json, kMaxRank, entry.shape);
    } else if (key == "data_offsets") {
      read_numbers(json, 2, entry.offsets);
    } else {
      json.fail("a tensor has no field " + json_string(key));
    }
  });
  if (seen.size() != 3) json.fail("a tensor needs dtype, shape and data_offsets");
  return entry;
}

TensorView view_of(const JsonReader& json, const Entry& entry, std::span<const std::byte> data) {
  const std::optional<DType> dtype = dtype_from_name(entry.dtype);
  if (!dtype) json.fail("the element type " + json_string(entry.dtype) + " is not supported");
  if (entry.offsets.size() != 2) json.fail("data_offsets needs two numbers");
  const std::uint64_t begin = entry.offsets[0], end = entry.offsets[1];
  if (begin > end || end > data.size()) {
    json.fail("data_offsets " + std::to_string(begin) + " to " + std::to_string(end) + " leave the " +
              std::to_string(data.size()) +
              " bytes of data; the file is truncated or damaged: download it again");
  }
  const std::optional<std::size_t> elements = checked_elements(entry.shape);
  std::size_t size = 0;
  if (!elements || __builtin_mul_overflow(*elements, dtype_size(*dtype), &size) || size != end - begin) {
    json.fail("shape " + shape_text(entry.shape) + " of " + entry.dtype + " does not fill the " +
              std::to_string(end - begin) + " bytes of data_offsets");
  }
  return {*dtype, entry.shape, data.subspan(begin, size)};
}

void insert_unique(JsonReader& json, auto& map, const std::string& key, auto value) {
  if (!map.emplace(key, std::move(value)).second) json.fail(json_string(key) + " appears twice");
}

void add_member(std::string& object, std::string_view key, const std::string& value) {
  if (object.back() != '{') object += ',';
  object += json_string(key) + ':' + value;
}

std::string header_text(std::span<const NamedTensor> tensors,
                        const std::map<std::string, std::string>& metadata) {
  std::string header = "{";
  if (!metadata.empty()) {
    std::string texts = "{";
    for (const auto& [key, value] : metadata) add_member(texts, key, json_string(value));
    add_member(header, kMetadataKey, texts + '}');
  }
  std::set<std::string_view> names = {kMetadataKey};
  std::size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t end = offset + tensor.bytes.size();
    if (!names.insert(name).second || end - offset != tensor.elements() * dtype_size(tensor.dtype)) {
      throw Error(ErrorCode::kInternal, "write_safetensors: " + json_string(name) +
                                            " has a name already taken or bytes that do not fit its shape.");
    }
    const std::vector<std::int64_t> offsets = {static_cast<std::int64_t>(offset),
                                               static_cast<std::int64_t>(end)};
    add_member(header, name,
               std::string(R"({"dtype":")") + dtype_name(tensor.dtype) + R"(","shape":)" +
                   shape_text(tensor.shape) + R"(,"data_offsets":)" + shape_text(offsets) + '}');
    offset = end;
  }
  header += '}';
  const std::size_t unaligned = (kLengthBytes + header.size()) % kAlignment;
  return header.append((kAlignment - unaligned) % kAlignment, ' ');
}

}  // namespace

bool is_safetensors(std::span<const std::byte> bytes) {
  return bytes.size() > kLengthBytes && bytes[kLengthBytes - 1] == std::byte{0} &&
         bytes[kLengthBytes] == std::byte{'{'};
}

Checkpoint parse_safetensors(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.size() < kLengthBytes) {
    throw Error(ErrorCode::kBadCheckpoint,
                name + ": is too short for a safetensors file; download it again.");
  }
  const auto length = load_number<std::uint64_t>(bytes);
  const std::span<const std::byte> rest = bytes.subspan(kLengthBytes);
  if (length > kMaxHeader || length > rest.size()) {
    throw Error(ErrorCode::kBadCheckpoint,
                name + ": its safetensors header should have " + std::to_string(length) + " bytes, but " +
                    std::to_string(rest.size()) + " follow (" + std::to_string(kMaxHeader) +
                    " are allowed); the file is truncated or damaged: download it again.");
  }
  Checkpoint checkpoint;
  checkpoint.format = "safetensors";
  const std::span<const std::byte> data = rest.subspan(length);
  JsonReader json(as_text(rest.first(length)), name + ": the safetensors header");
  bool metadata_seen = false;
  json.object([&](const std::string& key) {
    if (key != kMetadataKey) {
      return insert_unique(json, checkpoint.tensors, key, view_of(json, read_entry(json), data));
    }
    if (std::exchange(metadata_seen, true)) json.fail(json_string(key) + " appears twice");
    json.object(
        [&](const std::string& field) { insert_unique(json, checkpoint.metadata, field, json.string()); });
  });
  json.finish();
  return checkpoint;
}

void write_safetensors(const std::string& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = header_text(tensors, metadata);
  const std::uint64_t length = header.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(std::as_bytes(std::span(header)));
  for (const NamedTensor& named : tensors) file.write(named.tensor.bytes);
  file.commit();
}

}  // namespace medlsam
