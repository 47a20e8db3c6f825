#include "checkpoints/torch_write.hpp"

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>

#include "base/atomic_file.hpp"
#include "base/error.hpp"

namespace medlsam {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kAlignment = 64;

template <class Number>
std::string raw(Number value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// A zip archive of stored entries; PKWARE's APPNOTE.TXT, section 4.3.
class ZipWriter {
 public:
  explicit ZipWriter(const std::string& path) : path_(path), file_(path) {}

  void add(const std::string& name, Bytes content) {
    const std::uint32_t offset = checked(written_), size = checked(content.size());
    const auto crc = static_cast<std::uint32_t>(
        crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
    const std::string about = raw(crc) + raw(size) + raw(size) + raw(static_cast<std::uint16_t>(name.size()));
    // Version 2.0, names in UTF-8, stored, 1 January 1980.
    const std::string kind = raw<std::uint16_t>(20) + raw<std::uint16_t>(0x0800) + raw<std::uint16_t>(0) +
                             raw<std::uint16_t>(0) + raw<std::uint16_t>(0x21);
    // PyTorch aligns data by the same extra field, "FB".
    const std::size_t unpadded = written_ + 30 + name.size() + 4;
    const auto padding = static_cast<std::uint16_t>((kAlignment - unpadded % kAlignment) % kAlignment);
    const std::string extra = "FB" + raw(padding) + std::string(padding, 'Z');
    write("PK\x03\x04" + kind + about + raw(static_cast<std::uint16_t>(extra.size())) + name + extra);
    write(content);
    directory_ +=
        "PK\x01\x02" + raw<std::uint16_t>(20) + kind + about + std::string(12, '\0') + raw(offset) + name;
    ++entries_;
  }

  void finish() {
    const std::uint32_t start = checked(written_), size = checked(directory_.size());
    write(directory_);
    write("PK\x05\x06" + raw<std::uint32_t>(0) + raw(entries_) + raw(entries_) + raw(size) + raw(start) +
          raw<std::uint16_t>(0));
    file_.commit();
  }

 private:
  void write(Bytes bytes) {
    file_.write(bytes);
    written_ += bytes.size();
  }
  void write(const std::string& text) { write(std::as_bytes(std::span(text))); }

  std::uint32_t checked(std::size_t value) const {
    if (value < std::numeric_limits<std::uint32_t>::max()) return static_cast<std::uint32_t>(value);
    throw Error(ErrorCode::kBadArgument,
                path_ + ": more than 4 GB cannot be written as .pth; write safetensors.");
  }

  std::string path_, directory_;
  AtomicFile file_;
  std::size_t written_ = 0;
  std::uint16_t entries_ = 0;
};

// Instructions of a pickle of protocol 2.
std::string text(std::string_view value) {
  return 'X' + raw(static_cast<std::uint32_t>(value.size())) + std::string(value);
}

std::string number(std::int64_t value) {
  return "\x8a\x08" + raw(value);
}

std::string global(const char* module, const char* name) {
  return 'c' + std::string(module) + '\n' + name + '\n';
}

std::string tuple(const std::string& items) {
  return '(' + items + 't';
}

std::string ordered_dict() {
  return global("collections", "OrderedDict") + ")R";
}

const char* storage_type(const NamedTensor& named) {
  switch (named.tensor.dtype) {
    case DType::kF64:
      return "DoubleStorage";
    case DType::kF32:
      return "FloatStorage";
    case DType::kF16:
      return "HalfStorage";
    case DType::kBF16:
      return "BFloat16Storage";
    default:
      throw Error(ErrorCode::kBadArgument, "The tensor '" + named.name + "' holds " +
                                               dtype_name(named.tensor.dtype) +
                                               "; floating-point numbers are written as .pth.");
  }
}

// A call of torch._utils._rebuild_tensor_v2 (storage, offset, shape, strides, requires_grad, hooks).
std::string tensor(const NamedTensor& named, const std::string& key) {
  std::string shape, strides;
  std::int64_t stride = 1;
  for (std::size_t axis = named.tensor.shape.size(); axis-- > 0;) {
    const std::int64_t extent = named.tensor.shape[axis];
    shape = number(extent) + shape;
    strides = number(stride) + strides;
    stride *= extent;
  }
  const std::string storage =
      tuple(text("storage") + global("torch", storage_type(named)) + text(key) + text("cpu") +
            number(static_cast<std::int64_t>(named.tensor.elements()))) +
      'Q';
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple(storage + number(0) + tuple(shape) + tuple(strides) + '\x89' + ordered_dict()) + 'R';
}

}  // namespace

void write_torch(const std::string& path, std::span<const NamedTensor> tensors) {
  std::string items;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    items += text(tensors[i].name) + tensor(tensors[i], std::to_string(i));
  const std::string pickle = "\x80\x02" + ordered_dict() + '(' + items + "u.";
  // PyTorch names the folder in the archive after the file.
  const std::string root = std::filesystem::path(path).stem().string() + '/';
  const auto bytes_of = [](std::string_view value) { return std::as_bytes(std::span(value)); };
  ZipWriter zip(path);
  zip.add(root + "data.pkl", bytes_of(pickle));
  zip.add(root + "byteorder", bytes_of("little"));
  for (std::size_t i = 0; i < tensors.size(); ++i)
    zip.add(root + "data/" + std::to_string(i), tensors[i].tensor.bytes);
  zip.add(root + "version", bytes_of("3\n"));
  zip.finish();
}

}  // namespace medlsam
