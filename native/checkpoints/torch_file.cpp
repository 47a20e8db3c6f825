#include "checkpoints/torch_file.hpp"

#include <cstdint>

#include "base/error.hpp"
#include "base/json.hpp"
#include "checkpoints/bytes.hpp"
#include "checkpoints/pickle.hpp"
#include "checkpoints/state_dict.hpp"
#include "checkpoints/zip.hpp"

namespace medlsam {
namespace {

using Bytes = std::span<const std::byte>;

[[noreturn]] void fail(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::kBadCheckpoint, name + ": " + what + ".");
}

// Entries are <root>/data.pkl, <root>/data/<key> and <root>/byteorder; the root is the file's original name.
std::string find_root(const ZipEntries& entries, const std::string& name) {
  constexpr std::string_view kMain = "data.pkl";
  std::string root;
  for (const auto& [path, bytes] : entries) {
    const std::size_t slash = path.find('/');
    if (slash == std::string::npos || std::string_view(path).substr(slash + 1) != kMain) continue;
    if (!root.empty()) fail(name, "the zip archive holds more than one data.pkl; name a single checkpoint");
    root = path.substr(0, slash + 1);
  }
  if (root.empty()) fail(name, "the zip archive holds no data.pkl: it is not a PyTorch checkpoint");
  return root;
}

Checkpoint parse_zip(Bytes bytes, const std::string& name) {
  const ZipEntries entries = read_zip(bytes, name);
  const std::string root = find_root(entries, name);
  const auto byteorder = entries.find(root + "byteorder");
  if (byteorder != entries.end() && as_text(byteorder->second) != "little") {
    fail(name, "its numbers are big-endian; save it again on a little-endian machine");
  }
  Storages storages;
  const std::string folder = root + "data/";
  for (auto entry = entries.lower_bound(folder); entry != entries.end() && entry->first.starts_with(folder);
       ++entry) {
    storages.emplace(entry->first.substr(folder.size()), entry->second);
  }
  const Pickle pickle = parse_pickle(entries.find(root + "data.pkl")->second, name);
  Checkpoint checkpoint = read_state_dict(pickle, storages, name);
  checkpoint.format = "pytorch zip";
  return checkpoint;
}

// The pre-1.6 form is five pickles (a magic number, the protocol, the writing system, the object, the keys
// of its storages), then for each key an element count and the elements.
class LegacyReader {
 public:
  LegacyReader(Bytes bytes, const std::string& name) : rest_(bytes), name_(name) {}

  Checkpoint read() {
    check_magic();
    check_protocol();
    check_system();
    const Pickle object = take_pickle();
    const Storages storages = take_storages(object);
    Checkpoint checkpoint = read_state_dict(object, storages, name_);
    checkpoint.format = "pytorch legacy";
    return checkpoint;
  }

 private:
  Pickle take_pickle() {
    Pickle pickle = parse_pickle(rest_, name_);
    rest_ = rest_.subspan(pickle.size);
    return pickle;
  }

  void check_magic() {
    constexpr std::string_view kMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    const Pickle pickle = take_pickle();
    const auto* number = std::get_if<PickleOpaque>(&pickle[pickle.root]);
    if (!number || number->bytes != kMagic) {
      fail(name_, "it is a pickle, but not one that torch.save wrote; save the model's state_dict() with it");
    }
  }

  void check_protocol() {
    constexpr std::int64_t kProtocol = 1001;
    const Pickle pickle = take_pickle();
    const auto* number = std::get_if<std::int64_t>(&pickle[pickle.root]);
    if (!number || *number != kProtocol) fail(name_, "its PyTorch protocol is not 1001; save it again");
  }

  void check_system() {
    const Pickle pickle = take_pickle();
    const auto* system = std::get_if<PickleDict>(&pickle[pickle.root]);
    if (!system)
      fail(name_, "the description of the system it was written on is missing; the file is damaged");
    for (const auto& [key, value] : system->items) {
      const auto* text = std::get_if<std::string_view>(&pickle[key]);
      const auto* truth = std::get_if<bool>(&pickle[value]);
      if (text && *text == "little_endian" && truth && !*truth) {
        fail(name_, "its numbers are big-endian; save it again on a little-endian machine");
      }
    }
  }

  Storages take_storages(const Pickle& object) {
    const std::map<std::string_view, std::size_t> element_sizes = find_element_sizes(object);
    Storages storages;
    const Pickle keys = take_pickle();
    const auto* list = std::get_if<PickleList>(&keys[keys.root]);
    if (!list) fail(name_, "the list of its storages is missing; the file is damaged, download it again");
    for (const PickleId id : list->items) {
      const auto* key = std::get_if<std::string_view>(&keys[id]);
      const auto element = key ? element_sizes.find(*key) : element_sizes.end();
      if (element == element_sizes.end())
        fail(name_, "it lists a storage that no tensor has; the file is damaged");
      if (!storages.emplace(*key, take_elements(*key, element->second)).second) {
        fail(name_, "the storage " + json_string(*key) + " appears twice; the file is damaged");
      }
    }
    return storages;
  }

  std::map<std::string_view, std::size_t> find_element_sizes(const Pickle& object) const {
    std::map<std::string_view, std::size_t> sizes;
    for (const PickleValue& value : object.values) {
      const auto* storage = std::get_if<PickleStorage>(&value);
      if (!storage) continue;
      const std::size_t size = storage->dtype ? dtype_size(*storage->dtype) : 1;
      if (sizes.emplace(storage->key, size).first->second != size) {
        fail(name_, "the storage " + json_string(storage->key) + " has two element types; save it again");
      }
    }
    return sizes;
  }

  Bytes take_elements(std::string_view key, std::size_t element) {
    std::uint64_t count = 0;
    std::size_t size = 0;
    if (rest_.size() >= sizeof count) {
      count = load_number<std::uint64_t>(rest_);
      rest_ = rest_.subspan(sizeof count);
    } else {
      fail(name_,
           "it ends before the storage " + json_string(key) + "; the file is truncated, download it again");
    }
    if (__builtin_mul_overflow(count, element, &size) || size > rest_.size()) {
      fail(name_,
           "it ends within the storage " + json_string(key) + "; the file is truncated, download it again");
    }
    const Bytes elements = rest_.first(size);
    rest_ = rest_.subspan(size);
    return elements;
  }

  Bytes rest_;
  const std::string& name_;
};

}  // namespace

Checkpoint parse_torch(Bytes bytes, const std::string& name) {
  return starts_with(bytes, "PK") ? parse_zip(bytes, name) : LegacyReader(bytes, name).read();
}

}  // namespace medlsam
