#include "volumes/nrrd/nrrd.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "volumes/named.hpp"
#include "volumes/text_header.hpp"
#include "volumes/voxel_stream.hpp"

namespace medlsam {
namespace {

using enum DType;

constexpr std::string_view kMagic = "NRRD000";  // then the version, a digit

struct TypeName {
  std::string_view name;
  DType dtype;
};

constexpr TypeName kTypes[] = {
    {"signed char", kI8},
    {"int8", kI8},
    {"int8_t", kI8},
    {"uchar", kU8},
    {"unsigned char", kU8},
    {"uint8", kU8},
    {"uint8_t", kU8},
    {"short", kI16},
    {"short int", kI16},
    {"signed short", kI16},
    {"signed short int", kI16},
    {"int16", kI16},
    {"int16_t", kI16},
    {"ushort", kU16},
    {"unsigned short", kU16},
    {"unsigned short int", kU16},
    {"uint16", kU16},
    {"uint16_t", kU16},
    {"int", kI32},
    {"signed int", kI32},
    {"int32", kI32},
    {"int32_t", kI32},
    {"uint", kU32},
    {"unsigned int", kU32},
    {"uint32", kU32},
    {"uint32_t", kU32},
    {"longlong", kI64},
    {"long long", kI64},
    {"long long int", kI64},
    {"signed long long", kI64},
    {"signed long long int", kI64},
    {"int64", kI64},
    {"int64_t", kI64},
    {"ulonglong", kU64},
    {"unsigned long long", kU64},
    {"unsigned long long int", kU64},
    {"uint64", kU64},
    {"uint64_t", kU64},
    {"float", kF32},
    {"double", kF64},
};

struct Space {
  std::string_view name, short_name;
  std::array<double, 2> to_ras;  // the signs of its first two axes
};

constexpr Space kSpaces[] = {
    {"right-anterior-superior", "ras", {1, 1}},
    {"left-anterior-superior", "las", {-1, 1}},
    {"left-posterior-superior", "lps", {-1, -1}},
};

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kBadVolume, message);
}

struct Header {
  HeaderFields fields;
  std::span<const std::byte> rest;  // what follows it in its file
  bool ended = false;               // by an empty line
};

Header read_header(std::span<const std::byte> file) {
  HeaderLines lines(file);
  const std::string_view magic = lines.next().value_or("");
  if (magic.size() != kMagic.size() + 1 || magic.back() < '1' || magic.back() > '5') {
    fail("its first line is not that of NRRD 1 to 5; write it again with a current program");
  }
  Header header;
  for (std::optional<std::string_view> line; !header.ended && (line = lines.next());) {
    header.ended = line->empty();
    if (header.ended || line->starts_with('#')) continue;
    const std::size_t colon = line->find(':');
    if (colon == line->npos && header.fields.find("data file") != nullptr) break;  // the names of a list
    if (colon == line->npos) fail("its header has a line that is no field; it is damaged");
    const auto value = line->substr(colon + 1);
    if (value.starts_with('=')) continue;  // a key with a value, which are the writer's own
    header.fields.add(std::string(line->substr(0, colon)), trimmed(value));
  }
  header.rest = lines.rest();
  return header;
}

DType header_dtype(const HeaderFields& fields) {
  const std::string type = lowercase(fields.get("type"));
  const auto* found = std::ranges::find(kTypes, type, &TypeName::name);
  if (found == std::end(kTypes)) {
    fail("its type is \"" + type +
         "\", which is not read; convert it to integers or floats of at most 64 bits");
  }
  return found->dtype;
}

bool is_swapped(const HeaderFields& fields, DType dtype) {
  if (dtype_size(dtype) == 1) return false;
  const std::string endian = lowercase(fields.get("endian"));
  if (endian != "little" && endian != "big") fail("its endian is \"" + endian + "\", not little or big");
  return (endian == "little") != (std::endian::native == std::endian::little);
}

Affine header_affine(const HeaderFields& fields) {
  const std::string* name = fields.find("space");
  if (name == nullptr || fields.find("space directions") == nullptr ||
      fields.find("space origin") == nullptr) {
    fail(
        "its header does not say where the patient lies: space, space directions and space origin are "
        "needed. Write it "
        "again with them");
  }
  const std::string space = lowercase(*name);
  const auto* found = std::ranges::find_if(
      kSpaces, [&](const Space& each) { return each.name == space || each.short_name == space; });
  if (found == std::end(kSpaces)) {
    fail("its space is \"" + space +
         "\"; left-posterior-superior, right-anterior-superior and left-anterior-superior are read");
  }
  if (const std::string* units = fields.find("space units")) {
    constexpr std::string_view kMillimeters = "\"mm\"";
    std::string others = *units;
    for (std::size_t at; (at = others.find(kMillimeters)) != others.npos;)
      others.erase(at, kMillimeters.size());
    if (!trimmed(others).empty()) fail("its space units are " + *units + "; millimeters (\"mm\") are read");
  }
  const auto directions = fields.numbers("space directions", 9), origin = fields.numbers("space origin", 3);
  Affine affine{};
  for (std::size_t row = 0; row < 3; ++row) {
    const double sign = row < 2 ? found->to_ras[row] : 1;
    for (std::size_t axis = 0; axis < 3; ++axis) affine[row * 4 + axis] = sign * directions[axis * 3 + row];
    affine[row * 4 + 3] = sign * origin[row];
  }
  affine[15] = 1;
  return affine;
}

std::optional<Deflated> header_encoding(const HeaderFields& fields) {
  const std::string encoding = lowercase(fields.get("encoding"));
  if (encoding == "raw") return std::nullopt;
  if (encoding == "gzip" || encoding == "gz") return Deflated::kGzip;
  fail("its encoding is \"" + encoding + "\", which is not read; write it as raw or gzip");
}

// Bytes before the voxels, of `size` bytes that are there.
std::size_t bytes_to_skip(const HeaderFields& fields, const Volume& volume, const VoxelData& data) {
  if (fields.find("line skip") != nullptr && fields.whole_number("line skip") != 0) {
    fail("its header skips lines of its data (line skip), which is not read; write it again without");
  }
  if (fields.find("byte skip") == nullptr) return 0;
  const double skip = fields.whole_number("byte skip");
  if (skip >= 0) return static_cast<std::size_t>(skip);
  const std::size_t size = volume.voxels() * dtype_size(volume.dtype);
  if (skip != -1 || data.deflated) fail("its byte skip is not a number of bytes that can be skipped");
  return data.bytes.size() - std::min(size, data.bytes.size());  // the voxels are what comes last
}

Volume parse(const VolumeSource& source, const Task& task) {
  const Header header = read_header(source.bytes);
  const HeaderFields& fields = header.fields;
  if (fields.whole_number("dimension") != 3) {
    fail("it has " + fields.get("dimension") + " dimensions; a volume of three is needed");
  }
  Volume volume;
  volume.shape = fields.shape("sizes");
  volume.dtype = header_dtype(fields);
  volume.affine = header_affine(fields);
  VoxelData data{.bytes = header.rest, .deflated = header_encoding(fields)};
  data.swapped = is_swapped(fields, volume.dtype);
  std::shared_ptr<const MappedFile> file;
  if (const std::string* name = fields.find("data file")) {
    file = open_beside(source.path, *name);
    data.bytes = file->bytes();
  } else if (!header.ended) {
    fail("it is cut off within its header; copy or download it again");
  }
  data.skip = bytes_to_skip(fields, volume, data);
  read_voxels(data, volume, task);
  return volume;
}

}  // namespace

bool is_nrrd(const VolumeSource& source) {
  constexpr std::string_view kAnyVersion = "NRRD0";
  return source.bytes.size() > kAnyVersion.size() &&
         std::ranges::equal(kAnyVersion, source.bytes.first(kAnyVersion.size()),
                            [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

Volume read_nrrd(const VolumeSource& source, const Task& task) {
  return with_name(source.path, [&] { return parse(source, task); });
}

}  // namespace medlsam
