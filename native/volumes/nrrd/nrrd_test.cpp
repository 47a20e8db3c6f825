#include "volumes/nrrd/nrrd.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "testing/nifti_bytes.hpp"
#include "volumes/read.hpp"

namespace medlsam {
namespace {

using doctest::Contains;

const std::string kFields =
    "# a comment\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 3 2\n"
    "space directions: (0.5,0,0) (0,0.75,0) (0,0,1.25)\nkinds: domain domain domain\nendian: little\n"
    "space origin: (-10, 20, 30)\nmeasure:=of:no interest\n";

Bytes bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Bytes voxels(bool swapped = false) {  // 4×3×2 int16 counting up
  Bytes bytes(48);
  for (std::size_t i = 0; i < 24; ++i) put(bytes, 2 * i, static_cast<std::int16_t>(300 * i), swapped);
  return bytes;
}

Bytes join(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// The file "NRRD0004", kFields with `from` replaced by `to`, the encoding, an empty line, and data.
struct Sample {
  std::string from{}, to{};
  std::string encoding = "raw";
  Bytes data = voxels();

  std::string header() const {
    std::string text = "NRRD0004\n" + kFields + "encoding: " + encoding + "\n";
    const std::size_t at = text.find(from);
    REQUIRE(at != text.npos);
    return text.replace(at, from.size(), to);
  }
};

struct Folder {
  TemporaryFolder folder;
  std::string path = folder / "a.nrrd";

  Volume read(const Bytes& file) const {
    save(path, file);
    return read_volume(path, {}, Task{});
  }
  Volume read(const Sample& sample) const {
    return read(join(bytes_of(sample.header() + "\n"), sample.data));
  }
  doctest::String failure(const Bytes& file) const {
    return error_of([&] { read(file); });
  }
  doctest::String failure(const Sample& sample) const {
    return error_of([&] { read(sample); });
  }
};

const Affine kAffine = {-0.5, 0, 0, 10, 0, -0.75, 0, -20, 0, 0, 1.25, 30, 0, 0, 0, 1};

TEST_CASE("NRRD: raw and gzip, both byte orders, attached") {
  const Folder folder;
  const Volume volume = folder.read(Sample{});
  CHECK(volume.shape == Index3{2, 3, 4});
  CHECK(volume.dtype == DType::kI16);
  CHECK(volume.affine == kAffine);
  CHECK(volume.data == voxels());
  CHECK(volume.slope == 1);
  CHECK(volume.warnings.empty());
  CHECK(folder.read(Sample{.encoding = "gzip", .data = gzipped(voxels())}).data == voxels());
  CHECK(folder.read(Sample{.encoding = "GZ", .data = gzipped(voxels())}).data == voxels());
  CHECK(folder.read(Sample{.from = "little", .to = "big", .data = voxels(true)}).data == voxels());
  CHECK(folder.read(Sample{.from = "little", .to = "big", .encoding = "gzip", .data = gzipped(voxels(true))})
            .data == voxels());
  std::string windows = Sample{}.header() + "\n";
  for (std::size_t at = 0; (at = windows.find('\n', at)) != windows.npos; at += 2)
    windows.insert(at, 1, '\r');
  CHECK(folder.read(join(bytes_of(windows), voxels())).data == voxels());
}

TEST_CASE("NRRD: every type") {
  const Folder folder;
  const auto dtype = [&](const std::string& type, std::size_t width) {
    return folder.read(Sample{.from = "type: short", .to = "type: " + type, .data = Bytes(24 * width)}).dtype;
  };
  CHECK(dtype("signed char", 1) == DType::kI8);
  CHECK(dtype("uint8_t", 1) == DType::kU8);
  CHECK(dtype("Short Int", 2) == DType::kI16);
  CHECK(dtype("unsigned short", 2) == DType::kU16);
  CHECK(dtype("int32", 4) == DType::kI32);
  CHECK(dtype("uint", 4) == DType::kU32);
  CHECK(dtype("long long", 8) == DType::kI64);
  CHECK(dtype("uint64_t", 8) == DType::kU64);
  CHECK(dtype("float", 4) == DType::kF32);
  CHECK(dtype("double", 8) == DType::kF64);
  CHECK(folder.failure(Sample{.from = "type: short", .to = "type: block"}) ==
        Contains("its type is \"block\""));
  CHECK(folder.read(Sample{.from = "type: short\n", .to = "type: uchar\n", .data = Bytes(24)}).voxels() ==
        24);
  CHECK(folder.failure(Sample{.from = "endian: little\n", .to = ""}) == Contains("no \"endian\""));
}

TEST_CASE("NRRD: spaces, shear, and what lacks a place") {
  const Folder folder;
  const std::string lps = "left-posterior-superior", directions = "(0.5,0,0) (0,0.75,0) (0,0,1.25)";
  Affine affine = kAffine;
  CHECK(folder.read(Sample{.from = lps, .to = "LPS"}).affine == affine);
  affine[5] = 0.75;
  affine[7] = 20;
  CHECK(folder.read(Sample{.from = lps, .to = "left-anterior-superior"}).affine == affine);
  affine[0] = 0.5;
  affine[3] = -10;
  CHECK(folder.read(Sample{.from = lps, .to = "Right-Anterior-Superior"}).affine == affine);
  const Volume sheared =
      folder.read(Sample{.from = directions, .to = "(0.5,0,0) ( 0, 0.75, -0.25 ) (0,0,1.25)"});
  CHECK(sheared.affine[5] == -0.75);
  CHECK(sheared.affine[9] == -0.25);
  CHECK(sheared.warnings.size() == 1);
  const auto failure = [&](const std::string& from, const std::string& to) {
    return folder.failure(Sample{.from = from, .to = to});
  };
  CHECK(failure(lps, "scanner-xyz") == Contains("its space is \"scanner-xyz\""));
  CHECK(failure("space: " + lps, "space dimension: 3") == Contains("does not say where the patient lies"));
  CHECK(failure("space origin: (-10, 20, 30)\n", "") == Contains("does not say where"));
  CHECK(failure("space directions: " + directions, "spacings: 0.5 0.75 1.25") ==
        Contains("does not say where"));
  CHECK(failure(directions, "none (0,0.75,0) (0,0,1.25)") == Contains("must be 9 numbers"));
  CHECK(failure(directions, "(0.5,0,0) (0,nan,0) (0,0,1.25)") == Contains("must be 9 numbers"));
  CHECK(failure(directions, "(0.5,0,0) (0,0.75,0) (0,0,1.25) (1,1,1)") == Contains("must be 9 numbers"));
  CHECK(failure(directions, "(1,0,0) (2,0,0) (0,0,1)") == Contains("BAD_VOLUME"));
  CHECK(failure("# a comment", "space units: \"mm\" \"mm\" \"mm\"") == "");
  CHECK(failure("# a comment", "space units: \"cm\" \"mm\" \"mm\"") == Contains("millimeters"));
}

TEST_CASE("NRRD: headers that are damaged or of other images are refused") {
  const Folder folder;
  const auto failure = [&](const std::string& from, const std::string& to) {
    return folder.failure(Sample{.from = from, .to = to});
  };
  CHECK(failure("NRRD0004", "NRRD0005") == "");
  CHECK(failure("NRRD0004", "NRRD0001") == "");
  CHECK(failure("NRRD0004", "NRRD0006") == Contains("BAD_VOLUME"));
  CHECK(failure("dimension: 3", "dimension: 4") == Contains("it has 4 dimensions"));
  CHECK(failure("sizes: 4 3 2", "sizes: 4 3") == Contains("must be 3 numbers"));
  CHECK(failure("sizes: 4 3 2", "sizes: 4 3 0") == Contains("numbers of voxels"));
  CHECK(failure("sizes: 4 3 2", "sizes: 4 3 2.5") == Contains("numbers of voxels"));
  CHECK(failure("sizes: 4 3 2", "sizes: 4000 3000000 2000000") == Contains("at most 2^33 voxels"));
  CHECK(failure("sizes: 4 3 2", "sizes: 4 3 2\nsizes: 4 3 2") == Contains("\"sizes\" twice"));
  CHECK(failure("# a comment", "no field") == Contains("a line that is no field"));
  CHECK(failure("encoding: raw", "encoding: bzip2") == Contains("its encoding is \"bzip2\""));
  CHECK(failure("encoding: raw", "encoding: ascii") == Contains("its encoding is \"ascii\""));
  CHECK(failure("encoding: raw", "encoding: hex") == Contains("its encoding is \"hex\""));
  CHECK(failure("# a comment", "line skip: 2") == Contains("line skip"));
  CHECK(folder.failure(bytes_of(Sample{}.header())) == Contains("cut off within its header"));
  CHECK(folder.failure(bytes_of("NRRD0004\n" + std::string(2 << 20, ' '))) == Contains("within a megabyte"));
}

TEST_CASE("NRRD: fewer or more bytes than voxels are refused") {
  const Folder folder;
  const Bytes longer = join(voxels(), Bytes(1));
  const Bytes shorter(47);
  CHECK(folder.failure(Sample{.data = longer}) == Contains("go on after the 48 bytes"));
  CHECK(folder.failure(Sample{.data = shorter}) == Contains("is cut off"));
  CHECK(folder.failure(Sample{.encoding = "gzip", .data = gzipped(longer)}) ==
        Contains("go on after the 48 bytes"));
  CHECK(folder.failure(Sample{.encoding = "gzip", .data = gzipped(shorter)}) == Contains("is cut off"));
  CHECK(folder.failure(Sample{.encoding = "gzip"}) == Contains("the gzip data is damaged"));
  const Sample skips{.from = "# a comment", .to = "byte skip: 3", .data = join(Bytes(3), voxels())};
  CHECK(folder.read(skips).data == voxels());
  const Sample last{.from = "# a comment", .to = "byteskip: -1", .data = join(Bytes(7), voxels())};
  CHECK(folder.read(last).data == voxels());
  const Sample inflated{.from = "# a comment",
                        .to = "byte skip: 3",
                        .encoding = "gzip",
                        .data = gzipped(join(Bytes(3), voxels()))};
  CHECK(folder.read(inflated).data == voxels());
  const Sample far{.from = "# a comment", .to = "byte skip: 4e15"};
  CHECK(folder.failure(far) == Contains("is cut off"));
  const Sample wrong{.from = "# a comment", .to = "byte skip: -2"};
  CHECK(folder.failure(wrong) == Contains("its byte skip"));
}

TEST_CASE("NRRD: detached voxels lie in one file of the same folder") {
  const Folder folder;
  save(folder.folder / "data.raw", voxels());
  const auto with = [&](const std::string& name) {
    return bytes_of(Sample{}.header() + "data file: " + name);
  };
  CHECK(folder.read(with("data.raw")).data == voxels());
  CHECK(folder.read(with("./data.raw\n")).data == voxels());
  CHECK(folder.failure(with("none.raw")) == Contains("FILE_NOT_FOUND"));
  CHECK(folder.failure(with("../a/data.raw")) == Contains("only a file in the header's own folder"));
  CHECK(folder.failure(with(folder.folder / "data.raw")) ==
        Contains("only a file in the header's own folder"));
  CHECK(folder.failure(with("..")) == Contains("only a file in the header's own folder"));
  CHECK(folder.failure(with("")) == Contains("only a file in the header's own folder"));
  CHECK(folder.failure(with("LIST\ndata.raw")) == Contains("several files"));
  CHECK(folder.failure(with("data%02d.raw 1 2 1")) == Contains("several files"));
  save(folder.folder / "data.raw", join(voxels(), Bytes(2)));
  CHECK(folder.failure(with("data.raw")) == Contains("go on after the 48 bytes"));
}

}  // namespace
}  // namespace medlsam
