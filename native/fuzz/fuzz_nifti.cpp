#define DOCTEST_CONFIG_IMPLEMENT  // nifti_bytes.hpp, shared with the unit tests, includes doctest
#include "base/error.hpp"
#include "fuzz/driver.hpp"
#include "testing/nifti_bytes.hpp"
#include "volumes/read.hpp"

using namespace medlsam;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const TemporaryFolder folder;
  static const std::string path = folder / "input.nii";
  save(path, std::as_bytes(std::span(data, size)));
  try {
    read_volume(path, {}, Task{});
  } catch (const Error&) {
  }
  return 0;
}

std::vector<std::string> make_seeds(const std::vector<std::string>& files) {
  std::vector<std::string> seeds = files;
  const auto add = [&seeds](const Bytes& bytes) {
    seeds.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  for (const int version : {1, 2}) {
    for (const bool swapped : {false, true}) {
      NiftiFields fields;
      fields.version = version;
      fields.swapped = swapped;
      fields.extensions = swapped ? 16 : 0;
      fields.qform_code = 1;
      add(nifti_file(fields));
      add(gzipped(nifti_file(fields)));
    }
  }
  return seeds;
}
