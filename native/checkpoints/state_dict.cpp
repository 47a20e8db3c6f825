#include "checkpoints/state_dict.hpp"

#include <algorithm>
#include <charconv>

#include "base/error.hpp"
#include "base/json.hpp"
#include "checkpoints/bytes.hpp"

namespace medlsam {
namespace {

// The value under the key, if it is a T.
template <class T>
const T* find(const Pickle& pickle, const PickleDict& parent, std::string_view wanted) {
  for (const auto& [key, value] : parent.items) {
    const auto* text = std::get_if<std::string_view>(&pickle[key]);
    if (text && *text == wanted) return std::get_if<T>(&pickle[value]);
  }
  return nullptr;
}

const PickleDict* find_dict(const Pickle& pickle, const PickleDict& parent, std::string_view wanted) {
  return find<PickleDict>(pickle, parent, wanted);
}

std::optional<std::string> scalar_text(const PickleValue& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&value)) {
    char digits[32];
    return std::string(digits, std::to_chars(digits, digits + sizeof digits, *number).ptr);
  }
  return std::nullopt;
}

// Whether the strides are those of a C-contiguous tensor; strides of axes with one element do not matter.
bool is_contiguous(const PickleTensor& tensor) {
  std::int64_t expected = 1;
  for (std::size_t axis = tensor.shape.size(); axis-- > 0;) {
    if (tensor.shape[axis] == 1) continue;
    if (tensor.strides[axis] != expected) return false;
    expected *= tensor.shape[axis];  // fits: see checked_elements
  }
  return true;
}

class Reader {
 public:
  Reader(const Pickle& pickle, const Storages& storages, const std::string& name)
      : pickle_(pickle), storages_(storages), name_(name) {}
  Checkpoint read() const;

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kBadCheckpoint, name_ + ": " + what + ".");
  }
  // Adds the states of an optimizer's state_dict(); `names` are the parameters' in the model's order.
  void read_adam(const PickleDict& optimizer, const std::vector<std::string>& names,
                 Checkpoint& checkpoint) const;
  std::int64_t read_step(const PickleDict& state) const;
  std::span<const std::byte> bytes_of(const std::string& tensor, const PickleStorage& storage) const;
  TensorView view(const std::string& tensor, const PickleTensor& described) const;

  const Pickle& pickle_;
  const Storages& storages_;
  const std::string& name_;
};

std::span<const std::byte> Reader::bytes_of(const std::string& tensor, const PickleStorage& storage) const {
  const auto found = storages_.find(storage.key);
  if (found == storages_.end()) {
    fail("the storage " + json_string(storage.key) + " of the tensor " + json_string(tensor) +
         " is missing; the file is damaged, download it again");
  }
  std::size_t size = 0;
  const std::size_t element = storage.dtype ? dtype_size(*storage.dtype) : 1;
  if (__builtin_mul_overflow(storage.count, element, &size) || size > found->second.size()) {
    fail("the storage of the tensor " + json_string(tensor) + " should hold " +
         std::to_string(storage.count) + " elements of " + std::to_string(element) + " bytes, but " +
         std::to_string(found->second.size()) +
         " bytes are there; the file is truncated or damaged, download it again");
  }
  return found->second.first(size);
}

TensorView Reader::view(const std::string& tensor, const PickleTensor& described) const {
  const std::optional<std::size_t> elements = checked_elements(described.shape);
  if (!elements)
    fail("the tensor " + json_string(tensor) + " has the impossible shape " + shape_text(described.shape));
  if (*elements == 0) return {described.dtype, described.shape, {}};
  if (!is_contiguous(described)) {
    fail("the tensor " + json_string(tensor) + " of shape " + shape_text(described.shape) + " has strides " +
         shape_text(described.strides) + "; save it with .contiguous()");
  }
  const std::span<const std::byte> storage = bytes_of(tensor, described.storage);
  const std::size_t element = dtype_size(described.dtype);
  std::size_t begin = 0, size = 0;
  if (__builtin_mul_overflow(described.offset, element, &begin) ||
      __builtin_mul_overflow(*elements, element, &size) || !lies_within(storage.size(), begin, size)) {
    fail("the tensor " + json_string(tensor) + " of shape " + shape_text(described.shape) + " at offset " +
         std::to_string(described.offset) + " leaves its storage of " + std::to_string(storage.size()) +
         " bytes");
  }
  return {described.dtype, described.shape, storage.subspan(begin, size)};
}

// The numbers of the parameters, in the model's order.
std::vector<std::int64_t> parameter_ids(const Pickle& pickle, const PickleDict& optimizer) {
  std::vector<std::int64_t> ids;
  const auto* groups = find<PickleList>(pickle, optimizer, "param_groups");
  if (!groups) return ids;
  for (const PickleId id : groups->items) {
    const auto* group = std::get_if<PickleDict>(&pickle[id]);
    const auto* members = group ? find<PickleList>(pickle, *group, "params") : nullptr;
    if (!members) return {};
    for (const PickleId member : members->items) {
      const auto* number = std::get_if<std::int64_t>(&pickle[member]);
      if (!number) return {};
      ids.push_back(*number);
    }
  }
  return ids;
}

// A whole number, or since PyTorch 1.12 a tensor that holds one.
std::int64_t Reader::read_step(const PickleDict& state) const {
  if (const auto* number = find<std::int64_t>(pickle_, state, "step")) return *number;
  const auto* described = find<PickleTensor>(pickle_, state, "step");
  if (!described) return 0;
  const TensorView tensor = view("step", *described);
  float value = 0;
  if (tensor.dtype == DType::kF32 && tensor.elements() == 1) to_float32(tensor, std::span(&value, 1));
  return value >= 0 && value < 1e15f ? static_cast<std::int64_t>(value) : 0;
}

void Reader::read_adam(const PickleDict& optimizer, const std::vector<std::string>& names,
                       Checkpoint& checkpoint) const {
  const PickleDict* states = find_dict(pickle_, optimizer, "state");
  const std::vector<std::int64_t> ids = parameter_ids(pickle_, optimizer);
  if (!states || ids.size() != names.size()) return;
  std::map<std::int64_t, std::string> name_of;
  for (std::size_t i = 0; i < ids.size(); ++i) name_of.emplace(ids[i], names[i]);
  for (const auto& [key, value] : states->items) {
    const auto* id = std::get_if<std::int64_t>(&pickle_[key]);
    const auto* state = std::get_if<PickleDict>(&pickle_[value]);
    const auto named = id ? name_of.find(*id) : name_of.end();
    if (!state || named == name_of.end()) continue;
    const auto* mean = find<PickleTensor>(pickle_, *state, "exp_avg");
    const auto* variance = find<PickleTensor>(pickle_, *state, "exp_avg_sq");
    if (!mean || !variance) continue;
    const std::string& name = named->second;
    const AdamState adam = {view("exp_avg of " + name, *mean), view("exp_avg_sq of " + name, *variance),
                            read_step(*state)};
    const auto& shape = checkpoint.tensors.at(name).shape;
    if (adam.mean.shape != shape || adam.variance.shape != shape) {
      fail("Adam's state of the tensor " + json_string(name) + " has another shape than the tensor, " +
           shape_text(adam.mean.shape) + "; the file is damaged");
    }
    checkpoint.adam.insert_or_assign(name, adam);
  }
}

// DataParallel puts "module." before every name.
template <class Value>
void strip_module_prefix(std::map<std::string, Value>& tensors) {
  constexpr std::string_view kPrefix = "module.";
  if (!std::ranges::all_of(tensors, [&](const auto& named) { return named.first.starts_with(kPrefix); }))
    return;
  std::map<std::string, Value> stripped;
  for (auto& [name, value] : tensors) stripped.emplace(name.substr(kPrefix.size()), std::move(value));
  tensors = std::move(stripped);
}

Checkpoint Reader::read() const {
  const auto* top = std::get_if<PickleDict>(&pickle_[pickle_.root]);
  if (!top) fail("it holds no dictionary of tensors; save the model's state_dict()");
  const PickleDict* model = nullptr;
  for (const char* key : {"state_dict", "model", "model_state_dict"}) {
    if (!model) model = find_dict(pickle_, *top, key);
  }
  if (!model) model = top;

  Checkpoint checkpoint;
  std::vector<std::string> names;
  for (const auto& [key, value] : model->items) {
    const auto* tensor = std::get_if<PickleTensor>(&pickle_[value]);
    if (!tensor) continue;
    const auto* text = std::get_if<std::string_view>(&pickle_[key]);
    if (!text) fail("a tensor's name is not text");
    const std::string tensor_name(*text);
    if (!checkpoint.tensors.emplace(tensor_name, view(tensor_name, *tensor)).second) {
      fail("the tensor " + json_string(tensor_name) + " appears twice");
    }
    names.push_back(tensor_name);
  }
  if (checkpoint.tensors.empty()) fail("it holds no tensors by name; save the model's state_dict()");
  if (const PickleDict* optimizer = find_dict(pickle_, *top, "optimizer"))
    read_adam(*optimizer, names, checkpoint);
  strip_module_prefix(checkpoint.tensors);
  strip_module_prefix(checkpoint.adam);

  for (const auto& [key, value] : top->items) {
    const auto* text = std::get_if<std::string_view>(&pickle_[key]);
    const std::optional<std::string> scalar = scalar_text(pickle_[value]);
    if (text && scalar) checkpoint.metadata.insert_or_assign(std::string(*text), *scalar);
  }
  return checkpoint;
}

}  // namespace

Checkpoint read_state_dict(const Pickle& pickle, const Storages& storages, const std::string& name) {
  return Reader(pickle, storages, name).read();
}

}  // namespace medlsam
