// Assembles zip archives and pickles byte by byte, so that tests can make any part of them wrong.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace medlsam::test {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// A little-endian number's bytes.
template <class Number>
std::string raw(Number value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

template <class Number>
void overwrite(std::string& bytes, std::size_t offset, Number value) {
  bytes.replace(offset, sizeof value, raw(value));
}

using Files = std::vector<std::pair<std::string, std::string>>;

struct Zip {
  std::string bytes;
  std::vector<std::size_t> central;  // where each entry's central record starts
  std::size_t end = 0;               // where the end record starts
};

// A valid archive of stored entries. With `zip64`, every size and offset is in zip64 fields.
inline Zip make_zip(const Files& files, bool zip64 = false) {
  constexpr std::uint32_t kIn64 = 0xffffffff;
  Zip zip;
  std::string directory;
  std::vector<std::size_t> relative;
  for (const auto& [name, content] : files) {
    const auto size = static_cast<std::uint32_t>(content.size());
    const std::uint64_t offset = zip.bytes.size();
    const std::string extra = zip64 ? raw<std::uint16_t>(1) + raw<std::uint16_t>(24) +
                                          raw<std::uint64_t>(size) + raw<std::uint64_t>(size) + raw(offset)
                                    : "";
    const std::string sizes = zip64 ? raw(kIn64) + raw(kIn64) : raw(size) + raw(size);
    const std::string common = std::string(12, '\0') + raw<std::uint32_t>(0);  // version … date, then the CRC
    const std::string name_size = raw(static_cast<std::uint16_t>(name.size()));
    const std::string extra_size = raw(static_cast<std::uint16_t>(extra.size()));
    zip.bytes += "PK\x03\x04" + std::string(10, '\0') + raw<std::uint32_t>(0) + raw(size) + raw(size) +
                 name_size + raw<std::uint16_t>(0) + name + content;
    relative.push_back(directory.size());
    directory += "PK\x01\x02" + common + sizes + name_size + extra_size + std::string(10, '\0') +
                 raw(zip64 ? kIn64 : static_cast<std::uint32_t>(offset)) + name + extra;
  }
  const std::uint64_t start = zip.bytes.size(), size = directory.size(), count = files.size();
  zip.bytes += directory;
  for (const std::size_t offset : relative) zip.central.push_back(start + offset);
  if (zip64) {
    const std::uint64_t end64 = zip.bytes.size();
    zip.bytes += "PK\x06\x06" + raw<std::uint64_t>(44) + std::string(12, '\0') + raw(count) + raw(count) +
                 raw(size) + raw(start);
    zip.bytes += "PK\x06\x07" + raw<std::uint32_t>(0) + raw(end64) + raw<std::uint32_t>(1);
  }
  zip.end = zip.bytes.size();
  const auto short_count = static_cast<std::uint16_t>(zip64 ? 0xffff : count);
  zip.bytes += "PK\x05\x06" + raw<std::uint32_t>(0) + raw(short_count) + raw(short_count) +
               raw(zip64 ? kIn64 : static_cast<std::uint32_t>(size)) +
               raw(zip64 ? kIn64 : static_cast<std::uint32_t>(start)) + raw<std::uint16_t>(0);
  return zip;
}

// Pickle instructions, to be concatenated. Numbers up to 255 per byte-sized operand.
inline std::string text(std::string_view value) {
  return raw('X') + raw(static_cast<std::uint32_t>(value.size())) + std::string(value);
}
inline std::string number(std::int64_t value) {
  return "\x8a\x08" + raw(value);
}
inline std::string global(std::string_view module, std::string_view name) {
  return raw('c') + std::string(module) + "\n" + std::string(name) + "\n";
}
inline std::string tuple(const std::string& items) {
  return "(" + items + "t";
}
inline std::string numbers(const std::vector<std::int64_t>& values) {
  std::string items;
  for (const std::int64_t value : values) items += number(value);
  return tuple(items);
}
inline std::string pickle(const std::string& body) {
  return "\x80\x02" + body + ".";
}

inline std::string storage(const std::string& type, const std::string& key, std::int64_t count) {
  return tuple(text("storage") + global("torch", type) + text(key) + text("cpu") + number(count)) + "Q";
}
inline std::string tensor(const std::string& storage_code, std::int64_t offset,
                          const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
  const std::string hooks = global("collections", "OrderedDict") + ")R";
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple(storage_code + number(offset) + numbers(shape) + numbers(strides) + "\x89" + hooks) + "R";
}
inline std::string dict(const std::string& items) {
  return "}(" + items + "u";
}

// A torch.save archive with this main pickle's body, and storages by key.
inline std::string torch_zip(const std::string& body, const Files& storages) {
  Files files = {{"net/data.pkl", pickle(body)}, {"net/byteorder", "little"}};
  for (const auto& [key, content] : storages) files.emplace_back("net/data/" + key, content);
  return make_zip(files).bytes;
}

}  // namespace medlsam::test
