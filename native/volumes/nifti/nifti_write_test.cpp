#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "testing/nifti_bytes.hpp"
#include "volumes/nifti/nifti.hpp"

namespace medlsam {
namespace {

using doctest::Contains;

NiftiOutput labels_for(const Volume& geometry, const Bytes& labels) {
  return {.shape = geometry.shape, .dtype = DType::kU8, .data = labels};
}

struct Stretch {
  std::size_t offset, width, count;
};

// pixdim, units, codes, quaternion, sform.
std::vector<Stretch> geometry_fields(int version) {
  if (version == 2) return {{104, 8, 8}, {500, 4, 1}, {344, 4, 2}, {352, 8, 6}, {400, 8, 12}};
  return {{76, 4, 8}, {123, 1, 1}, {252, 2, 2}, {256, 4, 6}, {280, 4, 12}};
}

Bytes geometry_bits(const Bytes& file, int version, bool swapped) {
  Bytes bits;
  for (const auto& [offset, width, count] : geometry_fields(version)) {
    for (std::size_t at = offset; at < offset + width * count; at += width) {
      Bytes element(file.begin() + static_cast<std::ptrdiff_t>(at),
                    file.begin() + static_cast<std::ptrdiff_t>(at + width));
      if (swapped) std::ranges::reverse(element);
      bits.insert(bits.end(), element.begin(), element.end());
    }
  }
  return bits;
}

TEST_CASE("written files carry the input's geometry to the bit") {
  const TemporaryFolder folder;
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  Bytes labels(24);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::byte>(i);
  for (int round = 0; round < 64; ++round) {
    NiftiFields fields{
        .version = 1 + round % 2, .swapped = round / 2 % 2 == 1, .dim = {4, 4, 3, 2, 1, 1, 1, 1}};
    fields.qform_code = round / 4 % 3;
    fields.sform_code = round / 8 % 2;
    fields.xyzt_units = round % 32;
    for (double& value : fields.srow) value = normal(random);
    for (std::size_t i = 0; i < 6; ++i) fields.quatern[i] = normal(random) * (i < 3 ? 0.1 : 100);
    for (std::size_t i = 1; i < 8; ++i) fields.pixdim[i] = std::abs(normal(random)) + 0.1;
    fields.pixdim[0] = round % 3 == 0 ? -1 : 1;
    const Bytes file = nifti_file(fields);
    const Volume input = parse_nifti(file, "scan", Task{});
    const std::string path = folder / (round % 5 == 0 ? "out.nii.gz" : "out.nii");
    write_nifti(path, input, labels_for(input, labels), Task{});

    const Volume output = read_volume(path, {}, Task{});
    CAPTURE(round);
    CHECK(output.nifti_header.size() == input.nifti_header.size());
    CHECK(geometry_bits(output.nifti_header, fields.version, false) ==
          geometry_bits(file, fields.version, fields.swapped));
    CHECK(output.affine == input.affine);
    CHECK(output.shape == input.shape);
    CHECK(output.dtype == DType::kU8);
    CHECK(output.data == labels);
  }
}

TEST_CASE("every type, slope and intercept") {
  const TemporaryFolder folder;
  const Volume geometry = parse_nifti(nifti_file({}), "scan", Task{});
  for (const DType dtype : {DType::kU8, DType::kI8, DType::kU16, DType::kI16, DType::kU32, DType::kI32,
                            DType::kU64, DType::kI64, DType::kF32, DType::kF64}) {
    const Bytes data(24 * dtype_size(dtype), std::byte{17});
    const NiftiOutput output{geometry.shape, dtype, data, 0.5, -3, ""};
    write_nifti(folder / "out.nii", geometry, output, Task{});
    const Volume read = read_volume(folder / "out.nii", {}, Task{});
    CHECK(read.dtype == dtype);
    CHECK(read.data == data);
    CHECK(read.slope == 0.5);
    CHECK(read.intercept == -3);
  }
}

TEST_CASE("a description stands in the header as far as there is room") {
  const TemporaryFolder folder;
  const Bytes data(24);
  for (const int version : {1, 2}) {
    const Volume geometry = parse_nifti(nifti_file({.version = version}), "scan", Task{});
    const auto written = [&](const std::string& description) {
      NiftiOutput output = labels_for(geometry, data);
      output.description = description;
      write_nifti(folder / "out.nii", geometry, output, Task{});
      const Volume read = read_volume(folder / "out.nii", {}, Task{});
      CHECK(read.data == data);
      const auto* field =
          reinterpret_cast<const char*>(read.nifti_header.data()) + (version == 1 ? 148 : 240);
      return std::string(std::string(field, 80).c_str());
    };
    CHECK(written("made for a test") == "made for a test");
    CHECK(written(std::string(79, 'a')) == std::string(79, 'a'));
    CHECK(written(std::string(200, 'a')) == std::string(79, 'a'));
    CHECK(written(std::string(78, 'a') + "é") == std::string(78, 'a'));
  }
}

TEST_CASE("a volume from no file") {
  const TemporaryFolder folder;
  Volume made;
  made.shape = {2, 3, 4};
  made.affine = {0, 0.5, 0, 1, -0.25, 0, 0, 2, 0, 0, 2, 3, 0, 0, 0, 1};
  write_nifti(folder / "out.nii.gz", made, labels_for(made, Bytes(24)), Task{});
  const Volume read = read_volume(folder / "out.nii.gz", {}, Task{});
  CHECK(read.affine == made.affine);
  CHECK(read.shape == made.shape);
  CHECK(read.nifti_header.size() == 348);

  made.shape = {1, 1, 40000};
  write_nifti(folder / "long.nii", made, labels_for(made, Bytes(40000)), Task{});
  const Volume long_one = read_volume(folder / "long.nii", {}, Task{});
  CHECK(long_one.nifti_header.size() == 540);
  CHECK(long_one.shape == made.shape);
  CHECK(long_one.affine == made.affine);
}

TEST_CASE("label names become an extension of code 0") {
  const TemporaryFolder folder;
  for (const int version : {1, 2}) {
    const Volume geometry = parse_nifti(nifti_file({.version = version}), "scan", Task{});
    for (std::size_t length : {1, 7, 8, 9, 24, 1000}) {
      const Bytes labels(24, std::byte{9});
      NiftiOutput output = labels_for(geometry, labels);
      output.label_xml = std::string(length, 'x');
      write_nifti(folder / "out.nii", geometry, output, Task{});
      const Volume read = read_volume(folder / "out.nii", {}, Task{});
      const Bytes& extension = read.nifti_extensions;
      std::int32_t size = 0;
      std::memcpy(&size, extension.data() + 4, 4);
      CHECK(extension[0] == std::byte{1});
      CHECK(size % 16 == 0);
      CHECK(size == static_cast<std::int32_t>(extension.size()) - 4);
      Bytes expected(extension.size() - 8);  // code 0, the text, zeros
      std::fill_n(expected.begin() + 4, length, std::byte{'x'});
      CHECK(Bytes(extension.begin() + 8, extension.end()) == expected);
      CHECK(read.data == labels);
    }
  }
}

TEST_CASE("the same data give the same bytes") {
  const TemporaryFolder folder;
  const Volume geometry = parse_nifti(nifti_file({}), "scan", Task{});
  for (const char* name : {"one.nii.gz", "two.nii.gz"}) {
    write_nifti(folder / name, geometry, labels_for(geometry, Bytes(24)), Task{});
  }
  CHECK(load(folder / "one.nii.gz") == load(folder / "two.nii.gz"));
  CHECK(load(folder / "one.nii.gz").size() > 20);
}

TEST_CASE(
    "compressed in blocks, by any number of threads, a file is the same bytes and reads as what was "
    "written") {
  const TemporaryFolder folder;
  for (const std::int64_t depth :
       {15, 16, 17, 16 * 18}) {  // slices of 64 KiB: around a block, and more than at once
    Volume geometry;
    geometry.shape = {depth, 256, 256};
    geometry.affine = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
    std::mt19937 random(5);
    Bytes labels(static_cast<std::size_t>(depth) * 256 * 256);
    for (std::size_t i = 0; i < labels.size(); ++i)
      labels[i] = static_cast<std::byte>(i % 4096 < 900 ? random() % 3 : i / 40000 % 5);
    const auto written = [&](unsigned threads) {
      const std::string path = folder / (std::to_string(threads) + ".nii.gz");
      Task task;
      task.threads = threads;
      write_nifti(path, geometry, labels_for(geometry, labels), task);
      return load(path);
    };
    const Bytes one = written(1);
    CHECK(one == written(3));
    CHECK(one.size() < labels.size() / 2);
    CHECK(parse_nifti(one, "mask", Task{}).data == labels);
  }
}

TEST_CASE("what cannot be written") {
  const TemporaryFolder folder;
  const Volume geometry = parse_nifti(nifti_file({}), "scan", Task{});
  const auto write_error = [&](const std::string& path, const NiftiOutput& output) {
    return error_of([&] { write_nifti(path, geometry, output, Task{}); });
  };
  const Bytes labels(24);
  NiftiOutput output = labels_for(geometry, labels);
  CHECK(write_error(folder / "out.nrrd", output) == Contains("BAD_ARGUMENT"));
  CHECK(write_error(folder / "missing/out.nii", output) == Contains("WRITE_FAILED"));
  output.shape = {1, 6, 4};
  CHECK(write_error(folder / "out.nii", output) == Contains("BAD_ARGUMENT"));
  output.shape = geometry.shape;
  output.dtype = DType::kU16;
  CHECK(write_error(folder / "out.nii", output) == Contains("the data are 24 bytes"));
  output.dtype = DType::kBool;
  CHECK(write_error(folder / "out.nii", output) == Contains("BAD_ARGUMENT"));
  CHECK(folder.files() == 0);
}

TEST_CASE("a cancelled write leaves the old file and nothing else") {
  const TemporaryFolder folder;
  const Volume geometry = parse_nifti(nifti_file({}), "scan", Task{});
  for (const char* name : {"out.nii", "out.nii.gz"}) {
    save(folder / name, Bytes(3));
    const Bytes labels(24);
    CHECK(error_of([&] {
            write_nifti(folder / name, geometry, labels_for(geometry, labels), cancelled_task());
          }) == Contains("ABORTED"));
    CHECK(load(folder / name) == Bytes(3));
  }
  CHECK(folder.files() == 2);
}

}  // namespace
}  // namespace medlsam
