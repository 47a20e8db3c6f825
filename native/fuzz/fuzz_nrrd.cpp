#define DOCTEST_CONFIG_IMPLEMENT  // nifti_bytes.hpp, shared with the unit tests, includes doctest
#include "fuzz/driver.hpp"
#include "fuzz/read_input.hpp"

using namespace medlsam;

namespace {

const std::string kHeader =
    "NRRD0005\n# a comment\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 3 2\n"
    "space directions: (0.5,0,0) (0,0.75,0.1) (0,0,1.25)\nkinds: domain domain domain\nspace origin: "
    "(-10,20,30)\n"
    "space units: \"mm\" \"mm\" \"mm\"\nkey:=value\n";

std::string text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_input("input.nhdr", "input.raw", {data, size});
  return 0;
}

std::vector<std::string> make_seeds(const std::vector<std::string>& files) {
  std::vector<std::string> seeds = files;
  const std::string voxels(48, '\1'), little = kHeader + "endian: little\n", big = kHeader + "endian: big\n";
  seeds.push_back(little + "encoding: raw\n\n" + voxels);
  seeds.push_back(big + "byte skip: -1\nencoding: raw\n\n" + voxels);
  seeds.push_back(big + "encoding: gzip\n\n" + text_of(gzipped(Bytes(48, std::byte{2}))));
  seeds.push_back(little + "encoding: raw\ndata file: input.raw\n");
  return seeds;
}
