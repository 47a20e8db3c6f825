#include "checkpoints/zip.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "checkpoints/bytes.hpp"

namespace medlsam {
namespace {

using Bytes = std::span<const std::byte>;

// Record layouts are those of PKWARE's APPNOTE.TXT, section 4.3.
constexpr std::uint32_t kLocalSignature = 0x04034b50, kCentralSignature = 0x02014b50,
                        kEndSignature = 0x06054b50, kEnd64Signature = 0x06064b50,
                        kLocator64Signature = 0x07064b50;
constexpr std::size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kEnd64Size = 56, kLocator64Size = 20;
constexpr std::uint64_t kMaxEntries = 1 << 18;
constexpr std::uint32_t kIn64 = 0xffffffff;  // marks a value that is in the zip64 field
constexpr std::uint16_t kExtra64 = 1, kEncrypted = 1, kStored = 0;

struct Directory {
  std::size_t offset = 0, size = 0;
  std::uint64_t entries = 0;
};

struct Entry {
  std::string name;
  std::uint64_t compressed = 0, size = 0, header = 0;
};

class Reader {
 public:
  Reader(Bytes bytes, const std::string& name) : bytes_(bytes), name_(name) {}
  ZipEntries read();

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kBadCheckpoint, name_ + ": " + what + ".");
  }
  [[noreturn]] void fail_damaged(const std::string& what) const {
    fail(what + "; the zip archive is truncated or damaged, download it again");
  }
  bool is_record(std::size_t offset, std::size_t size, std::uint32_t signature) const {
    return lies_within(bytes_.size(), offset, size) &&
           load_number<std::uint32_t>(bytes_, offset) == signature;
  }

  std::size_t find_end() const;
  Directory read_end() const;
  Entry read_central(Bytes& directory) const;
  void read_extra(Bytes extra, Entry& entry) const;
  Bytes locate(const Entry& entry, std::size_t data_end) const;

  Bytes bytes_;
  const std::string& name_;
};

// Finds the end record, which is followed only by a comment of at most 65535 bytes, whose length it has.
std::size_t Reader::find_end() const {
  for (std::size_t comment = 0; comment <= 0xffff && kEndSize + comment <= bytes_.size(); ++comment) {
    const std::size_t offset = bytes_.size() - kEndSize - comment;
    if (is_record(offset, kEndSize, kEndSignature) &&
        load_number<std::uint16_t>(bytes_, offset + 20) == comment) {
      return offset;
    }
  }
  fail_damaged("its end record is missing");
}

Directory Reader::read_end() const {
  const std::size_t end = find_end();
  Directory directory{load_number<std::uint32_t>(bytes_, end + 16),
                      load_number<std::uint32_t>(bytes_, end + 12),
                      load_number<std::uint16_t>(bytes_, end + 10)};
  std::size_t directory_limit = end;
  if (end >= kLocator64Size && is_record(end - kLocator64Size, kLocator64Size, kLocator64Signature)) {
    const auto end64 = load_number<std::uint64_t>(bytes_, end - kLocator64Size + 8);
    if (!is_record(end64, kEnd64Size, kEnd64Signature)) fail_damaged("its zip64 end record is missing");
    directory = {load_number<std::uint64_t>(bytes_, end64 + 48),
                 load_number<std::uint64_t>(bytes_, end64 + 40),
                 load_number<std::uint64_t>(bytes_, end64 + 32)};
    directory_limit = end64;
  }
  if (!lies_within(directory_limit, directory.offset, directory.size)) {
    fail_damaged("its directory lies outside the file");
  }
  if (directory.entries > kMaxEntries) {
    fail("the zip archive has " + std::to_string(directory.entries) +
         " entries, more than a checkpoint needs");
  }
  return directory;
}

// Reads the zip64 field, which has only the values that the short record could not hold, in this order.
void Reader::read_extra(Bytes extra, Entry& entry) const {
  while (extra.size() >= 4) {
    const auto id = load_number<std::uint16_t>(extra);
    const auto size = load_number<std::uint16_t>(extra, 2);
    extra = extra.subspan(4);
    if (size > extra.size()) fail_damaged("the extra field of " + json_string(entry.name) + " is cut off");
    if (id == kExtra64) {
      Bytes field = extra.first(size);
      for (std::uint64_t* value : {&entry.size, &entry.compressed, &entry.header}) {
        if (*value != kIn64) continue;
        if (field.size() < 8) fail_damaged("the zip64 field of " + json_string(entry.name) + " is cut off");
        *value = load_number<std::uint64_t>(field);
        field = field.subspan(8);
      }
      return;
    }
    extra = extra.subspan(size);
  }
}

// Removes the next entry from the front of the central directory.
Entry Reader::read_central(Bytes& directory) const {
  if (directory.size() < kCentralSize || load_number<std::uint32_t>(directory) != kCentralSignature) {
    fail_damaged("its directory holds fewer entries than it counts");
  }
  const auto flags = load_number<std::uint16_t>(directory, 8);
  const auto method = load_number<std::uint16_t>(directory, 10);
  const std::size_t name = load_number<std::uint16_t>(directory, 28);
  const std::size_t extra = load_number<std::uint16_t>(directory, 30);
  const std::size_t comment = load_number<std::uint16_t>(directory, 32);
  if (name + extra + comment > directory.size() - kCentralSize) fail_damaged("its directory is cut off");

  Entry entry{std::string(as_text(directory.subspan(kCentralSize, name))),
              load_number<std::uint32_t>(directory, 20), load_number<std::uint32_t>(directory, 24),
              load_number<std::uint32_t>(directory, 42)};
  read_extra(directory.subspan(kCentralSize + name, extra), entry);
  if (method != kStored || (flags & kEncrypted)) {
    fail("the entry " + json_string(entry.name) +
         " is compressed or encrypted, which torch.save never does (TorchScript does); save the model's "
         "state_dict() with torch.save");
  }
  if (entry.compressed != entry.size) {
    fail_damaged("the entry " + json_string(entry.name) + " has two different sizes");
  }
  directory = directory.subspan(kCentralSize + name + extra + comment);
  return entry;
}

Bytes Reader::locate(const Entry& entry, std::size_t data_end) const {
  const std::string what = "the entry " + json_string(entry.name);
  if (!is_record(entry.header, kLocalSize, kLocalSignature)) fail_damaged(what + " has no header");
  const std::size_t name = load_number<std::uint16_t>(bytes_, entry.header + 26);
  const std::size_t extra = load_number<std::uint16_t>(bytes_, entry.header + 28);
  const std::size_t data = entry.header + kLocalSize + name + extra;
  if (!lies_within(data_end, data, entry.size)) fail_damaged(what + " reaches beyond the data");
  if (as_text(bytes_.subspan(entry.header + kLocalSize, name)) != entry.name) {
    fail_damaged(what + " has another name in its header");
  }
  return bytes_.subspan(data, entry.size);
}

ZipEntries Reader::read() {
  const Directory directory = read_end();
  Bytes records = bytes_.subspan(directory.offset, directory.size);
  ZipEntries entries;
  std::vector<std::pair<std::size_t, std::size_t>> extents;
  for (std::uint64_t index = 0; index < directory.entries; ++index) {
    const Entry entry = read_central(records);
    const Bytes data = locate(entry, directory.offset);
    const auto data_end = static_cast<std::size_t>(data.data() - bytes_.data()) + data.size();
    extents.emplace_back(entry.header, data_end);
    if (!entries.emplace(entry.name, data).second) {
      fail_damaged("the entry " + json_string(entry.name) + " appears twice");
    }
  }
  std::sort(extents.begin(), extents.end());
  for (std::size_t i = 1; i < extents.size(); ++i) {
    if (extents[i].first < extents[i - 1].second) fail_damaged("two of its entries overlap");
  }
  return entries;
}

}  // namespace

ZipEntries read_zip(std::span<const std::byte> bytes, const std::string& name) {
  return Reader(bytes, name).read();
}

}  // namespace medlsam
