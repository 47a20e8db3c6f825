#include "volumes/metaimage/metaimage.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "testing/nifti_bytes.hpp"
#include "volumes/read.hpp"

namespace medlsam {
namespace {

using doctest::Contains;

const std::string kFields =
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = "
    "False\n"
    "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = -10 20 30\nCenterOfRotation = 0 0 0\n"
    "AnatomicalOrientation = RAI\nElementSpacing = 0.5 0.75 1.25\nDimSize = 4 3 2\nElementType = MET_SHORT\n";

Bytes bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Bytes voxels(bool swapped = false) {  // 4×3×2 int16 counting up
  Bytes bytes(48);
  for (std::size_t i = 0; i < 24; ++i) put(bytes, 2 * i, static_cast<std::int16_t>(300 * i), swapped);
  return bytes;
}

Bytes zlib(const Bytes& bytes) {
  uLongf size = compressBound(bytes.size());
  Bytes out(size);
  compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
           bytes.size());
  out.resize(size);
  return out;
}

Bytes join(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct Folder {
  TemporaryFolder folder;
  std::string path = folder / "a.mha";

  Volume read(const std::string& header, const Bytes& data) const {
    save(path, join(bytes_of(header), data));
    return read_volume(path, {}, Task{});
  }
  doctest::String failure(const std::string& header, const Bytes& data = voxels()) const {
    return error_of([&] { read(header, data); });
  }
};

// kFields with `from` replaced by `to`, and where the voxels are.
std::string header_of(const std::string& from = "", const std::string& to = "",
                      const std::string& file = "LOCAL") {
  std::string text = kFields;
  const std::size_t at = text.find(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to) + "ElementDataFile = " + file + "\n";
}

const Affine kAffine = {-0.5, 0, 0, 10, 0, -0.75, 0, -20, 0, 0, 1.25, 30, 0, 0, 0, 1};

TEST_CASE("MetaImage: plain and compressed, both byte orders") {
  const Folder folder;
  const Volume volume = folder.read(header_of(), voxels());
  CHECK(volume.shape == Index3{2, 3, 4});
  CHECK(volume.dtype == DType::kI16);
  CHECK(volume.affine == kAffine);
  CHECK(volume.data == voxels());
  CHECK(volume.warnings.empty());
  const std::string msb = "BinaryDataByteOrderMSB = False", compressed = "CompressedData = False";
  CHECK(folder.read(header_of(msb, "ElementByteOrderMSB = True"), voxels(true)).data == voxels());
  CHECK(folder.read(header_of(compressed, "CompressedData = True"), zlib(voxels())).data == voxels());
  CHECK(folder.read(header_of(compressed, "CompressedData = True"), gzipped(voxels())).data == voxels());
  const std::string size = "CompressedData = True\nCompressedDataSize = ";
  const Bytes data = zlib(voxels());
  CHECK(folder.read(header_of(compressed, size + std::to_string(data.size())), data).data == voxels());
  CHECK(folder.failure(header_of(compressed, size + "5"), data) == Contains("its CompressedDataSize is 5"));
}

TEST_CASE("MetaImage: every type") {
  const Folder folder;
  const auto dtype = [&](const std::string& type, std::size_t width) {
    return folder.read(header_of("MET_SHORT", type), Bytes(24 * width)).dtype;
  };
  CHECK(dtype("MET_CHAR", 1) == DType::kI8);
  CHECK(dtype("MET_UCHAR", 1) == DType::kU8);
  CHECK(dtype("MET_USHORT", 2) == DType::kU16);
  CHECK(dtype("MET_INT", 4) == DType::kI32);
  CHECK(dtype("MET_UINT", 4) == DType::kU32);
  CHECK(dtype("MET_FLOAT", 4) == DType::kF32);
  CHECK(dtype("MET_DOUBLE", 8) == DType::kF64);
  CHECK(folder.failure(header_of("MET_SHORT", "MET_LONG")) == Contains("its ElementType is \"MET_LONG\""));
}

TEST_CASE("MetaImage: the rows of the matrix are the directions of the voxel axes") {
  const Folder folder;
  const std::string matrix = "TransformMatrix = 1 0 0 0 1 0 0 0 1", offset = "Offset = -10 20 30";
  const Volume turned = folder.read(header_of(matrix, "Rotation = 0 1 0 0 0 -1 1 0 0"), voxels());
  CHECK(turned.affine == Affine{0, 0, -1.25, 10, -0.5, 0, 0, -20, 0, -0.75, 0, 30, 0, 0, 0, 1});
  CHECK(folder.read(header_of(offset, "Origin = -10 20 30"), voxels()).affine == kAffine);
  CHECK(folder.read(header_of(offset, "Position = -10 20 30"), voxels()).affine == kAffine);
  const Volume without = folder.read(header_of(matrix + "\n", ""), voxels());
  CHECK(without.affine == kAffine);
  REQUIRE(without.warnings.size() == 1);
  CHECK(doctest::String(without.warnings[0].c_str()) == Contains("no TransformMatrix"));
  CHECK(folder.read(header_of(offset + "\n", ""), voxels()).warnings.size() == 1);
  CHECK(folder.failure(header_of(matrix, "TransformMatrix = 1 0 0 1 0 0 0 0 1")) == Contains("BAD_VOLUME"));
  CHECK(folder.failure(header_of(matrix, "TransformMatrix = 1 0 0 1 0 0 0 0")) ==
        Contains("must be 9 numbers"));
  CHECK(folder.failure(header_of("= 0.5 0.75", "= 0 0.75")) == Contains("must be positive"));
  CHECK(folder.failure(header_of("ElementSpacing = 0.5 0.75 1.25\n", "")) ==
        Contains("no \"ElementSpacing\""));
}

TEST_CASE("MetaImage: other images and damaged headers are refused") {
  const Folder folder;
  const auto failure = [&](const std::string& from, const std::string& to) {
    return folder.failure(header_of(from, to));
  };
  CHECK(failure("NDims = 3", "NDims = 4") == Contains("it has 4 dimensions"));
  CHECK(failure("ElementType", "ElementNumberOfChannels = 3\nElementType") == Contains("it has 3 channels"));
  CHECK(failure("BinaryData = True", "BinaryData = False") == Contains("voxels are text"));
  CHECK(failure("BinaryData = True", "BinaryData = maybe") == Contains("not True or False"));
  CHECK(failure("DimSize = 4 3 2", "DimSize = 4 3 -2") == Contains("numbers of voxels"));
  CHECK(failure("DimSize = 4 3 2", "DimSize = 4 3 2 1") == Contains("must be 3 numbers"));
  CHECK(failure("Offset", "ElementToIntensityFunctionSlope = 2\nOffset") ==
        Contains("stored values are scaled"));
  CHECK(failure("Offset", "NDims = 3\nOffset") == Contains("\"NDims\" twice"));
  CHECK(failure("Offset", "nonsense\nOffset") == Contains("a line that is no field"));
  CHECK(folder.failure(kFields, {}) == Contains("does not end with ElementDataFile"));
  CHECK(folder.failure("Something = 1\n" + kFields) == Contains("not a volume of a known format"));
}

TEST_CASE("MetaImage: fewer or more bytes than voxels are refused") {
  const Folder folder;
  const std::string compressed = header_of("CompressedData = False", "CompressedData = True");
  const Bytes longer = join(voxels(), Bytes(1)), shorter(47);
  CHECK(folder.failure(header_of(), longer) == Contains("go on after the 48 bytes"));
  CHECK(folder.failure(header_of(), shorter) == Contains("is cut off"));
  CHECK(folder.failure(compressed, zlib(longer)) == Contains("go on after the 48 bytes"));
  CHECK(folder.failure(compressed, zlib(shorter)) == Contains("is cut off"));
  CHECK(folder.failure(compressed) == Contains("the zlib data is damaged"));
  Bytes flipped = zlib(voxels());
  flipped.back() ^= std::byte{1};
  CHECK(folder.failure(compressed, flipped) == Contains("the zlib data is damaged"));
  CHECK(folder.failure(compressed, join(zlib(voxels()), Bytes(1, std::byte{7}))) ==
        Contains("1 bytes that are not zlib data"));
}

TEST_CASE("MetaImage: detached voxels, and what lies before them") {
  const Folder folder;
  save(folder.folder / "data.raw", join(Bytes(7), voxels()));
  const auto with = [&](const std::string& fields, const std::string& name) {
    return header_of("ObjectType", fields + "ObjectType", name);
  };
  const auto data = [&](const std::string& fields, const std::string& name) {
    return folder.read(with(fields, name), {}).data;
  };
  CHECK(data("Comment = -\nHeaderSize = 7\n", "data.raw") == voxels());
  CHECK(data("Comment = -\nHeaderSize = -1\n", "data.raw") == voxels());
  CHECK(folder.failure(with("", "data.raw")) == Contains("go on after the 48 bytes"));
  CHECK(folder.failure(with("ID = 1\nHeaderSize = -2\n", "data.raw")) == Contains("its HeaderSize, -2"));
  CHECK(folder.failure(with("ID = 1\nHeaderSize = 8\n", "data.raw")) == Contains("is cut off"));
  CHECK(folder.failure(with("ID = 1\nHeaderSize = 7\n", "LOCAL")) == Contains("its HeaderSize, 7"));
  CHECK(folder.failure(with("", "none.raw")) == Contains("FILE_NOT_FOUND"));
  CHECK(folder.failure(with("", "../data.raw")) == Contains("only a file in the header's own folder"));
  CHECK(folder.failure(with("", "C:\\data.raw")) == Contains("only a file in the header's own folder"));
  CHECK(folder.failure(with("", "LIST\ndata.raw")) == Contains("several files"));
  CHECK(folder.failure(with("", "data%d.raw 1 2 1")) == Contains("several files"));
  save(folder.folder / "data.zraw", zlib(voxels()));
  CHECK(folder.read(header_of("CompressedData = False", "CompressedData = True", "data.zraw"), {}).data ==
        voxels());
}

}  // namespace
}  // namespace medlsam
