#include "volumes/read.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "testing/nifti_bytes.hpp"
#include "volumes/nifti/nifti.hpp"
#include "volumes/orientation.hpp"

namespace medlsam {
namespace {

using doctest::Contains;

doctest::String read_error(const std::string& path, const ReadOptions& options = {}) {
  return error_of([&] { read_volume(path, options, Task{}); });
}

// --- a format of its own: "CUBE", then the edge, then edge³ voxels of a byte
// ---------------------------------

bool is_cube(const VolumeSource& source) {
  constexpr std::string_view kMagic = "CUBE";
  return source.start.size() > kMagic.size() &&
         std::memcmp(source.start.data(), kMagic.data(), kMagic.size()) == 0;
}

Volume read_cube(const VolumeSource& source, const Task&) {
  constexpr std::size_t kHeader = 5;
  const std::int64_t edge = std::to_integer<std::int64_t>(source.bytes[4]);
  Volume volume;
  volume.shape = {edge, edge, edge};
  volume.dtype = DType::kU8;
  volume.affine = {-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
  const auto voxels = source.bytes.subspan(kHeader);
  if (voxels.size() != volume.voxels()) {
    throw Error(ErrorCode::kBadVolume, source.path + ": is not a cube.");
  }
  volume.data.assign(voxels.begin(), voxels.end());
  return volume;
}

TEST_CASE("formats: a new one is a row of the table") {
  const VolumeFormat& nifti = volume_formats().front();
  const VolumeFormat formats[] = {nifti, {"cube", {".cube"}, is_cube, read_cube}};
  const TemporaryFolder folder;
  const std::string cube = folder / "a.cube", scan = folder / "b.nii", text = folder / "c.txt";
  save(cube, std::as_bytes(std::span("CUBE\2abcdefgh", 13)));
  save(scan, nifti_file({}));
  save(text, std::as_bytes(std::span("hello", 5)));
  CHECK(read_volume(cube, {}, Task{}, formats).data.back() == std::byte{'h'});
  CHECK(read_volume(scan, {}, Task{}, formats).shape == Index3{2, 3, 4});
  CHECK(error_of([&] { read_volume(text, {}, Task{}, formats); }) ==
        Contains("looks like a text file. Convert it; NIfTI (.nii.gz, .nii, .hdr.gz, .hdr), cube (.cube) can "
                 "be read."));
  CHECK(read_error(cube) == Contains("not a volume of a known format"));
}

// ----------------------------------------------------------------------------------------------------------------

TEST_CASE("files: the content decides, not the name") {
  const TemporaryFolder folder;
  const Bytes plain = nifti_file({}), voxels = parse_nifti(plain, "scan", Task{}).data;
  save(folder / "plain.nii.gz", plain);
  save(folder / "gzip.nii", gzipped(plain));
  CHECK(read_volume(folder / "plain.nii.gz", {}, Task{}).data == voxels);
  CHECK(read_volume(folder / "gzip.nii", {}, Task{}).data == voxels);
  save(folder / "empty.nii.gz", {});
  CHECK(read_error(folder / "empty.nii.gz") == Contains("BAD_VOLUME"));
  CHECK(read_error(folder / "missing.nii.gz") == Contains("FILE_NOT_FOUND"));
  CHECK(read_error(folder / ".") == Contains("READ_FAILED"));
  CHECK(error_of([&] { read_volume(folder / "gzip.nii", {}, cancelled_task()); }) == Contains("ABORTED"));
}

TEST_CASE("files of another kind are named for what they look like") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.nii.gz";
  const auto looks_like = [&](const std::string& content, const char* kind) {
    const auto bytes = std::as_bytes(std::span(content));
    CAPTURE(kind);
    save(path, bytes);
    CHECK(read_error(path) == Contains((": it looks like " + std::string(kind)).c_str()));
    save(path, gzipped(bytes));
    CHECK(read_error(path) ==
          Contains((": it looks like " + std::string(kind) + ", compressed with gzip").c_str()));
  };
  looks_like(std::string(128, '\0') + "DICM", "a DICOM file");
  looks_like("\x89HDF\r\n", "an HDF5 file");
  looks_like("PK\x03\x04 net/data.pkl", "a PyTorch checkpoint");
  looks_like("{\"version\": 1}", "a JSON file");
  looks_like("x\n", "a text file");
  save(path, std::as_bytes(std::span("\1\2\3\4\5\6\7\10", 8)));
  CHECK(read_error(path) == Contains("it is not a volume of a known format. Convert it; NIfTI"));
  const Bytes gzip = gzipped(nifti_file({}));
  save(path, std::span(gzip).first(20));
  CHECK(read_error(path) == Contains("gzip data is cut off"));
}

TEST_CASE("NaN and infinite voxels are read as the value asked for") {
  const TemporaryFolder folder;
  const std::string path = folder / "nan.nii.gz";
  std::vector<float> values(24, 3);
  values[0] = std::nanf("");
  values[7] = std::numeric_limits<float>::infinity();
  values[23] = -values[7];
  const NiftiFields fields{.datatype = 16, .slope = 2, .intercept = -24};
  save(path, nifti_file<float>(fields, values));
  const auto read = [&](const ReadOptions& options) {
    const Volume volume = read_volume(path, options, Task{});
    const auto* stored = reinterpret_cast<const float*>(volume.data.data());
    return std::vector<float>(stored, stored + volume.voxels());
  };
  CHECK(std::isnan(read({})[0]));
  values[0] = values[7] = values[23] = -488;  // −1000 = 2 · −488 − 24
  CHECK(read({.nan = -1000}) == values);
  CHECK(read_error(path, {.nan = 1e300}) == Contains("BAD_ARGUMENT"));
  CHECK(read_error(path, {.nan = NAN}) == Contains("BAD_ARGUMENT"));
  save(path, nifti_file({}));  // whole numbers
  CHECK(read_volume(path, {.nan = 1e300}, Task{}).data == read_volume(path, {}, Task{}).data);
}

TEST_CASE("a scan without orientation, or sheared, is read with a warning") {
  const TemporaryFolder folder;
  const std::string path = folder / "scan.nii";
  const auto warnings = [&](const NiftiFields& fields) {
    save(path, nifti_file(fields));
    return read_volume(path, {}, Task{}).warnings;
  };
  CHECK(warnings({}).empty());
  CHECK(warnings({.qform_code = 1, .sform_code = 0}).empty());
  const auto none = warnings({.sform_code = 0});
  REQUIRE(none.size() == 1);
  CHECK(doctest::String(none[0].c_str()) == Contains("no orientation (sform_code and qform_code are 0)"));
  // A gantry tilted by 20°: each slice lies further to the front than the one below it.
  const double angle = 20 * std::acos(-1) / 180;
  const auto tilted = warnings(
      {.srow = {-0.5, 0, 0, 0, 0, 0.75, 1.25 * std::sin(angle), 0, 0, 0, 1.25 * std::cos(angle), 0}});
  REQUIRE(tilted.size() == 1);
  CHECK(doctest::String(tilted[0].c_str()) == Contains("sheared by 20.0 degrees"));
  const Volume volume = read_volume(path, {}, Task{});
  CHECK(axis_codes(volume.affine) == "LAS");
  CHECK(volume.affine[6] == doctest::Approx(1.25 * std::sin(angle)));
  CHECK(warnings({.srow = {-0.5, 0, 0, 0, 0, 0.75, 0.005, 0, 0, 0, 1.25, 0}}).empty());  // 0.2°: of rounding
}

TEST_CASE("a singular affine is refused with the path") {
  const TemporaryFolder folder;
  save(folder / "flat.nii", nifti_file({.srow = {1, 2, 3, 0, 2, 4, 6, 0, 0, 0, 1, 0}}));
  CHECK(read_error(folder / "flat.nii") == Contains("flat.nii: the affine"));
}

}  // namespace
}  // namespace medlsam
