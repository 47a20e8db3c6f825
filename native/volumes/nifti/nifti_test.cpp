#include "volumes/nifti/nifti.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <cmath>
#include <limits>
#include <random>

#include "testing/nifti_bytes.hpp"

namespace medlsam {
namespace {

using doctest::Contains;

Volume parse(std::span<const std::byte> file) {
  return parse_nifti(file, "scan", Task{});
}
doctest::String parse_error(std::span<const std::byte> file) {
  return error_of([&] { parse(file); });
}
doctest::String parse_error(const NiftiFields& fields) {
  return parse_error(nifti_file(fields));
}

template <class T>
void check_datatype(int datatype, DType dtype) {
  std::array<T, 24> values;
  std::mt19937_64 random(static_cast<unsigned>(datatype));
  for (T& value : values) value = static_cast<T>(static_cast<std::int64_t>(random() >> 8));
  values[0] = std::numeric_limits<T>::lowest();
  values[1] = std::numeric_limits<T>::max();
  for (const int version : {1, 2}) {
    for (const bool swapped : {false, true}) {
      const NiftiFields fields{.version = version, .swapped = swapped, .datatype = datatype};
      const Bytes file = nifti_file<T>(fields, values);
      for (const Bytes& bytes : {file, gzipped(file)}) {
        CAPTURE(datatype);
        CAPTURE(version);
        CAPTURE(swapped);
        const Volume volume = parse(bytes);
        CHECK(volume.shape == Index3{2, 3, 4});
        CHECK(volume.dtype == dtype);
        CHECK(std::ranges::equal(volume.data, std::as_bytes(std::span(values))));
        CHECK(volume.affine == Affine{-0.5, 0, 0, 10, 0, 0.75, 0, -20, 0, 0, 1.25, 30, 0, 0, 0, 1});
        const auto header = std::span(file).first(version == 2 ? 540 : 348);
        CHECK(std::ranges::equal(volume.nifti_header, header));
        CHECK(volume.nifti_extensions == Bytes(4));
      }
    }
  }
}

TEST_CASE("every datatype, version and byte order, plain and gzipped") {
  check_datatype<std::uint8_t>(2, DType::kU8);
  check_datatype<std::int16_t>(4, DType::kI16);
  check_datatype<std::int32_t>(8, DType::kI32);
  check_datatype<float>(16, DType::kF32);
  check_datatype<double>(64, DType::kF64);
  check_datatype<std::int8_t>(256, DType::kI8);
  check_datatype<std::uint16_t>(512, DType::kU16);
  check_datatype<std::uint32_t>(768, DType::kU32);
  check_datatype<std::int64_t>(1024, DType::kI64);
  check_datatype<std::uint64_t>(1280, DType::kU64);
}

TEST_CASE("slope and intercept") {
  const auto scaling = [](double slope, double intercept) {
    const Volume volume = parse(nifti_file({.slope = slope, .intercept = intercept}));
    return std::array{volume.slope, volume.intercept};
  };
  CHECK(scaling(2.5, -1024) == std::array{2.5, -1024.0});
  CHECK(scaling(0, 7) == std::array{1.0, 0.0});
  CHECK(scaling(NAN, 7) == std::array{1.0, 0.0});
  CHECK(scaling(INFINITY, NAN) == std::array{1.0, 0.0});
  CHECK(parse_error({.slope = 1, .intercept = NAN}) == Contains("scl_inter"));
}

void check_affine(const NiftiFields& fields, const std::array<double, 12>& expected) {
  const Affine affine = parse(nifti_file(fields)).affine;
  for (std::size_t i = 0; i < 12; ++i) CHECK(affine[i] == doctest::Approx(expected[i]).epsilon(1e-6));
  CHECK(std::ranges::equal(std::span(affine).last(4), std::array{0.0, 0.0, 0.0, 1.0}));
}

TEST_CASE("the affine: sform over qform over pixdim") {
  for (const int version : {1, 2}) {
    NiftiFields fields{.version = version, .qform_code = 1, .sform_code = 2};
    fields.quatern = {0, 0, std::sqrt(0.5), 1, 2, 3};  // a quarter turn about z: x → y, y → −x
    check_affine(fields, fields.srow);
    fields.sform_code = 0;
    check_affine(fields, {0, -0.75, 0, 1, 0.5, 0, 0, 2, 0, 0, 1.25, 3});
    fields.pixdim[0] = -1;
    check_affine(fields, {0, -0.75, 0, 1, 0.5, 0, 0, 2, 0, 0, -1.25, 3});
    fields.pixdim[0] = 0;                     // means 1
    fields.quatern = {0.6, 0.8, 0, 0, 0, 0};  // a half turn: the first component is 0
    check_affine(fields, {-0.28 * 0.5, 0.96 * 0.75, 0, 0, 0.96 * 0.5, 0.28 * 0.75, 0, 0, 0, 0, -1.25, 0});
    fields.quatern = {0.8, 0.8, 0, 0, 0, 0};
    CHECK(parse_error(fields) == Contains("quatern_b"));
    fields.quatern = {NAN, 0, 0, 0, 0, 0};
    CHECK(parse_error(fields) == Contains("quatern_b"));
    fields.qform_code = 0;  // x to the left, the origin in the middle
    check_affine(fields, {-0.5, 0, 0, 0.75, 0, 0.75, 0, -0.75, 0, 0, 1.25, -0.625});
  }
  const auto [z, y, x] = spacing({0, -3, 0, 1, 2, 0, 0, 2, 0, 4, 5, 3, 0, 0, 0, 1});
  CHECK(std::array{z, y, x} == std::array{5.0, 5.0, 2.0});
}

TEST_CASE("spacings and affines that are no geometry") {
  for (const double bad : {0.0, -1.0, static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
    for (const std::size_t axis : {1, 2, 3}) {
      NiftiFields fields;
      fields.pixdim[axis] = bad;
      CHECK(parse(nifti_file(fields)).affine == parse(nifti_file({})).affine);  // the sform decides
      fields.sform_code = 0;
      for (fields.qform_code = 0; fields.qform_code < 2; ++fields.qform_code) {
        CHECK(parse_error(fields) ==
              Contains(("BAD_VOLUME scan: pixdim[" + std::to_string(axis) + "]").c_str()));
      }
    }
  }
  NiftiFields fields;
  fields.srow[5] = 0;
  CHECK(parse_error(fields) == Contains("singular"));
  fields.srow = {1, 2, 3, 0, 2, 4, 6, 0, 0, 0, 1, 0};
  CHECK(parse_error(fields) == Contains("singular"));
  fields.srow[3] = NAN;
  CHECK(parse_error(fields) == Contains("sform"));
  fields.srow = {};
  CHECK(parse_error(fields) == Contains("singular"));
}

TEST_CASE("dimensions") {
  const auto shape_error = [](std::array<std::int64_t, 8> dim) {
    return parse_error({.version = 2, .dim = dim});
  };
  CHECK(shape_error({4, 4, 3, 2, 1, 0, 0, 0}) == "");
  CHECK(shape_error({7, 4, 3, 2, 1, 1, 1, 1}) == "");
  CHECK(shape_error({3, 4, 6, 1, 0, 0, 0, 0}) == "");
  CHECK(shape_error({4, 4, 3, 1, 2, 0, 0, 0}) == Contains("4D with 2 volumes; extract one"));
  CHECK(shape_error({5, 4, 3, 1, 1, 3, 0, 0}) == Contains("5D with 3 volumes"));
  CHECK(shape_error({2, 4, 6, 1, 1, 1, 1, 1}) == Contains("2D image"));
  CHECK(shape_error({0, 4, 3, 2, 1, 1, 1, 1}) == Contains("dim[0] is 0"));
  CHECK(shape_error({8, 4, 3, 2, 1, 1, 1, 1}) == Contains("dim[0] is 8"));
  CHECK(shape_error({3, 4, 0, 2, 1, 1, 1, 1}) == Contains("dim[2] is 0"));
  CHECK(shape_error({3, -4, 3, 2, 1, 1, 1, 1}) == Contains("dim[1] is -4"));
  CHECK(shape_error({4, 4, 3, 2, 0, 1, 1, 1}) == Contains("dim[4] is 0"));
  const std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  CHECK(shape_error({3, huge, huge, huge, 1, 1, 1, 1}) == Contains("at most 2^33"));
}

TEST_CASE("what is not a CT in one NIfTI file") {
  CHECK(parse_error(Bytes{}) == Contains("BAD_VOLUME scan: the file is empty"));
  CHECK(parse_error(Bytes(1000, std::byte{'x'})) == Contains("not a NIfTI file"));
  CHECK(parse_error(gzipped(Bytes(1000, std::byte{'x'}))) == Contains("not a NIfTI file"));
  CHECK(parse_error({.datatype = 128}) == Contains("RGB"));
  CHECK(parse_error({.datatype = 2304}) == Contains("RGB"));
  for (const int datatype : {0, 1, 32, 1536, 1792, 2048, -4}) {
    CHECK(parse_error({.datatype = datatype}) == Contains("datatype " + doctest::toString(datatype)));
  }
  CHECK(parse_error({.magic = std::string("ni1\0", 4)}) == Contains("separate .img file"));
  CHECK(parse_error({.version = 2, .magic = std::string("ni2\0\r\n\x1a\n", 8)}) == Contains(".img"));
  CHECK(parse_error({.magic = std::string(4, '\0')}) == Contains("ANALYZE"));
  CHECK(parse_error({.vox_offset = 0}) == Contains("vox_offset"));
  CHECK(parse_error({.vox_offset = 352.5}) == Contains("vox_offset"));
  CHECK(parse_error({.vox_offset = 1e9}) == Contains("16 MB"));
  CHECK(parse_error({.vox_offset = 4096}) == Contains("cut off"));
}

TEST_CASE("extensions are kept") {
  const Bytes file = nifti_file({.extensions = 32});
  Bytes expected(36, std::byte{7});
  std::fill_n(expected.begin(), 4, std::byte{0});
  CHECK(parse(file).nifti_extensions == expected);
  CHECK(parse(file).data == parse(nifti_file({})).data);
}

TEST_CASE("no shortened file is read") {
  for (const int version : {1, 2}) {
    const Bytes plain = nifti_file({.version = version}), gzip = gzipped(plain);
    for (const Bytes& file : {plain, gzip}) {
      for (std::size_t size = 0; size < file.size(); ++size) {
        CAPTURE(size);
        CHECK(parse_error(std::span(file).first(size)) == Contains("BAD_VOLUME scan: "));
      }
    }
  }
}

TEST_CASE("a damaged gzip file fails or gives the right voxels; a damaged plain one never crashes") {
  const Bytes plain = nifti_file({}), gzip = gzipped(plain), voxels = parse(plain).data;
  for (std::size_t bit = 0; bit < gzip.size() * 8; ++bit) {
    Bytes damaged = gzip;
    damaged[bit / 8] ^= std::byte{1} << bit % 8;
    CAPTURE(bit);
    Bytes read;
    const doctest::String error = error_of([&] { read = parse(damaged).data; });
    CHECK((read == voxels || error == Contains("BAD_VOLUME scan: ")));
  }
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    Bytes damaged = nifti_file({.version = 1 + round % 2});
    for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    const doctest::String error = error_of([&] {
      const Volume volume = parse(damaged);
      CHECK(volume.data.size() == volume.voxels() * dtype_size(volume.dtype));
    });
    CHECK((error == "" || error == Contains("BAD_VOLUME scan: ")));
  }
}

Bytes joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

TEST_CASE("gzip members, padding, garbage and bombs") {
  const Bytes plain = nifti_file({}), voxels = parse(plain).data;
  for (std::size_t cut = 0; cut <= plain.size(); cut += 40) {
    const Bytes first(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(cut));
    const Bytes second(plain.begin() + static_cast<std::ptrdiff_t>(cut), plain.end());
    CHECK(parse(joined(gzipped(first), gzipped(second))).data == voxels);
  }
  const Bytes gzip = gzipped(plain);
  CHECK(parse(joined(gzip, Bytes(512))).data == voxels);
  CHECK(parse_error(joined(gzip, Bytes(9, std::byte{5}))) == Contains("9 bytes that are not gzip"));
  CHECK(parse(gzipped(joined(plain, Bytes(1 << 26)))).data == voxels);

  const std::array<std::int64_t, 8> promise{3, 2048, 2048, 2048, 1, 1, 1, 1};
  const Bytes bomb = gzipped(nifti_file({.dim = promise, .datatype = 1024}));
  CHECK(parse_error(bomb) == Contains("promises 68719476736 bytes of voxels"));
  // Within deflate's greatest ratio, but still not there: what is taken is what arrives.
  const Bytes start = nifti_start({.dim = {3, 1000, 1000, 1000, 1, 1, 1, 1}, .datatype = 2});
  Bytes noise(1 << 20);
  std::mt19937 random(2);
  for (std::byte& byte : noise) byte = static_cast<std::byte>(random());
  rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  CHECK(parse_error(gzipped(joined(start, noise))) == Contains("holds at most 1048576;"));
  getrusage(RUSAGE_SELF, &after);
  CHECK(after.ru_maxrss - before.ru_maxrss < 256 * 1024);  // KB; a sanitizer's shadow takes 128 MB
}

TEST_CASE("the conformance scans") {
  for (const std::string name : {"a", "b", "q"}) {
    const std::string path = CONFORMANCE_DIR "/ct/" + name;
    const Volume image = read_volume(path + ".nii.gz", {}, Task{});
    const Volume label = read_volume(path + "_label.nii.gz", {}, Task{});
    CHECK(image.shape == Index3{110, 130, 150});
    CHECK(image.affine == label.affine);
    CHECK(image.shape == label.shape);
    CHECK((name == "b" ? image.affine[0] > 0 : image.affine[0] < 0));  // a = LAS, b = RAS, q = LPS
    CHECK((name == "q" ? image.affine[5] < 0 : image.affine[5] > 0));
  }
}

TEST_CASE("reading stops when cancelled") {
  for (const Bytes& file : {nifti_file({}), gzipped(nifti_file({}))}) {
    CHECK(error_of([&] { parse_nifti(file, "scan", cancelled_task()); }) == Contains("ABORTED"));
  }
}

TEST_CASE("pairs: a header, and its voxels beside it") {
  const TemporaryFolder folder;
  const std::string header = folder / "a.hdr";
  for (const int version : {1, 2}) {
    for (const bool swapped : {false, true}) {
      const NiftiFields single{.version = version, .swapped = swapped};
      NiftiFields fields = single;
      fields.magic = version == 2 ? std::string("ni2\0\r\n\x1a\n", 8) : std::string("ni1\0", 4);
      fields.vox_offset = 5;
      const Bytes file = nifti_file(single), start = nifti_start(fields);
      Bytes voxels(5);
      voxels.insert(voxels.end(), file.end() - 48, file.end());
      const Bytes expected = parse(file).data;
      save(header, start);
      save(folder / "a.img", voxels);
      CHECK(read_volume(header, {}, Task{}).data == expected);
      CHECK(read_volume(header, {}, Task{}).nifti_extensions == Bytes(4));
      std::filesystem::remove(folder / "a.img");
      save(folder / "a.img.gz", gzipped(voxels));
      CHECK(read_volume(header, {}, Task{}).data == expected);
      save(folder / "a.hdr.gz", gzipped(start));
      CHECK(read_volume(folder / "a.hdr.gz", {}, Task{}).data == expected);
      voxels.pop_back();
      save(folder / "a.img.gz", gzipped(voxels));
      CHECK(error_of([&] { read_volume(header, {}, Task{}); }) == Contains("BAD_VOLUME"));
      std::filesystem::remove(folder / "a.img.gz");
      CHECK(error_of([&] { read_volume(header, {}, Task{}); }) == Contains("a.img and no .img.gz"));
    }
  }
}

}  // namespace
}  // namespace medlsam
