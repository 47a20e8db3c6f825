#include "volumes/metaimage/metaimage.hpp"

#include <algorithm>
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

struct TypeName {
  std::string_view name;
  DType dtype;
};

constexpr TypeName kTypes[] = {{"MET_CHAR", kI8},    {"MET_UCHAR", kU8},  {"MET_SHORT", kI16},
                               {"MET_USHORT", kU16}, {"MET_INT", kI32},   {"MET_UINT", kU32},
                               {"MET_FLOAT", kF32},  {"MET_DOUBLE", kF64}};

// Fields that come first in files of one writer or another.
constexpr std::string_view kFirstFields[] = {"ObjectType", "ObjectSubType", "NDims", "Comment", "Name", "ID"};

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kBadVolume, message);
}

struct Field {
  std::string_view name, value;
};

std::optional<Field> field_of(std::string_view line) {
  const std::size_t sign = line.find('=');
  if (sign == line.npos) return std::nullopt;
  return Field{trimmed(line.substr(0, sign)), trimmed(line.substr(sign + 1))};
}

struct Header {
  HeaderFields fields;
  std::span<const std::byte> rest;  // what follows it in its file
};

Header read_header(std::span<const std::byte> file) {
  constexpr std::string_view kLast = "ElementDataFile";
  HeaderLines lines(file);
  Header header;
  while (header.fields.find(std::string(kLast)) == nullptr) {
    const auto line = lines.next();
    if (!line) fail("its header does not end with ElementDataFile; it is cut off, copy or download it again");
    if (trimmed(*line).empty()) continue;
    const auto field = field_of(*line);
    if (!field) fail("its header has a line that is no field; it is damaged");
    header.fields.add(std::string(field->name), field->value);
  }
  header.rest = lines.rest();
  return header;
}

// The first of these fields that is there.
const char* present(const HeaderFields& fields, std::initializer_list<const char*> names) {
  const auto* found =
      std::ranges::find_if(names, [&](const char* name) { return fields.find(name) != nullptr; });
  return found == names.end() ? nullptr : *found;
}

bool flag(const HeaderFields& fields, const char* name, bool otherwise) {
  if (fields.find(name) == nullptr) return otherwise;
  const std::string value = lowercase(fields.get(name));
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  fail(std::string("its ") + name + " is \"" + value + "\", not True or False");
}

double number(const HeaderFields& fields, const char* name, double otherwise) {
  return fields.find(name) == nullptr ? otherwise : fields.numbers(name, 1)[0];
}

void check_kind(const HeaderFields& fields) {
  if (const double dimensions = fields.whole_number("NDims"); dimensions != 3) {
    fail("it has " + fields.get("NDims") + " dimensions (NDims); a volume of three is needed");
  }
  if (number(fields, "ElementNumberOfChannels", 1) != 1) {
    fail("it has " + fields.get("ElementNumberOfChannels") +
         " channels; a CT or label volume of one is needed");
  }
  if (!flag(fields, "BinaryData", true))
    fail("its voxels are text (BinaryData = False); write them as binary");
  if (number(fields, "ElementToIntensityFunctionSlope", 1) != 1 ||
      number(fields, "ElementToIntensityFunctionOffset", 0) != 0) {
    fail(
        "its stored values are scaled (ElementToIntensityFunction), which is not read; write the values "
        "themselves");
  }
}

DType header_dtype(const HeaderFields& fields) {
  const std::string& type = fields.get("ElementType");
  const auto* found = std::ranges::find(kTypes, type, &TypeName::name);
  if (found == std::end(kTypes)) {
    fail("its ElementType is \"" + type + "\", which is not read; convert it to MET_SHORT or MET_FLOAT");
  }
  return found->dtype;
}

// Its rows are the directions of the voxel axes: the affine's columns.
void read_affine(const HeaderFields& fields, Volume& volume) {
  const char* matrix = present(fields, {"TransformMatrix", "Rotation", "Orientation"});
  const char* offset = present(fields, {"Offset", "Position", "Origin"});
  const auto steps = fields.numbers("ElementSpacing", 3);
  const auto directions =
      matrix == nullptr ? std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0, 1} : fields.numbers(matrix, 9);
  const auto origin = offset == nullptr ? std::vector<double>(3) : fields.numbers(offset, 3);
  for (const double step : steps) {
    if (!(step > 0)) fail("its ElementSpacing is " + fields.get("ElementSpacing") + ", but must be positive");
  }
  if (matrix == nullptr || offset == nullptr) {
    volume.warnings.push_back(std::string("the header has no ") +
                              (matrix == nullptr
                                   ? "TransformMatrix: its axes are taken to run to the patient's "
                                     "left, back and head"
                                   : "Offset: its first voxel is taken to lie at 0, 0, 0 mm"));
  }
  for (std::size_t row = 0; row < 3; ++row) {
    const double sign = row < 2 ? -1 : 1;  // LPS to RAS
    for (std::size_t axis = 0; axis < 3; ++axis) {
      volume.affine[row * 4 + axis] = sign * directions[axis * 3 + row] * steps[axis];
    }
    volume.affine[row * 4 + 3] = sign * origin[row];
  }
  volume.affine[15] = 1;
}

bool is_swapped(const HeaderFields& fields) {
  const char* name = present(fields, {"BinaryDataByteOrderMSB", "ElementByteOrderMSB"});
  const bool big = name != nullptr && flag(fields, name, false);
  return big != (std::endian::native == std::endian::big);
}

// Where the voxels lie in the bytes of their own file, or in those after the header.
void read_place(const HeaderFields& fields, const Volume& volume, bool is_local, VoxelData& data) {
  if (flag(fields, "CompressedData", false))
    data.deflated = is_gzip(data.bytes) ? Deflated::kGzip : Deflated::kZlib;
  const double header = fields.find("HeaderSize") == nullptr ? 0 : fields.whole_number("HeaderSize");
  if (header != 0 && (data.deflated || header < -1 || (header > 0 && is_local))) {
    fail("its HeaderSize, " + fields.get("HeaderSize") +
         ", does not fit the kind of its data; write it again");
  }
  const std::size_t size = volume.voxels() * dtype_size(volume.dtype);
  data.skip = header >= 0 ? static_cast<std::size_t>(header)
                          : data.bytes.size() - std::min(size, data.bytes.size());  // the voxels come last
  const double given = data.deflated ? number(fields, "CompressedDataSize", -1) : -1;
  if (given >= 0 && given != static_cast<double>(data.bytes.size())) {
    fail("its CompressedDataSize is " + fields.get("CompressedDataSize") + ", but " +
         std::to_string(data.bytes.size()) + " bytes of data are there; copy or download it again");
  }
}

Volume parse(const VolumeSource& source, const Task& task) {
  const Header header = read_header(source.bytes);
  const HeaderFields& fields = header.fields;
  check_kind(fields);
  Volume volume;
  volume.shape = fields.shape("DimSize");
  volume.dtype = header_dtype(fields);
  read_affine(fields, volume);
  VoxelData data{.bytes = header.rest};
  data.swapped = is_swapped(fields);
  const std::string& name = fields.get("ElementDataFile");
  const bool is_local = lowercase(name) == "local";
  std::shared_ptr<const MappedFile> file;
  if (!is_local) {
    file = open_beside(source.path, name);
    data.bytes = file->bytes();
  }
  read_place(fields, volume, is_local, data);
  read_voxels(data, volume, task);
  return volume;
}

}  // namespace

bool is_metaimage(const VolumeSource& source) {
  const auto start = source.bytes.first(std::min(source.bytes.size(), source.start.size()));
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  const auto field = field_of(text.substr(0, text.find('\n')));
  return field && std::ranges::find(kFirstFields, field->name) != std::end(kFirstFields);
}

Volume read_metaimage(const VolumeSource& source, const Task& task) {
  return with_name(source.path, [&] { return parse(source, task); });
}

}  // namespace medlsam
