#define DOCTEST_CONFIG_IMPLEMENT  // nifti_bytes.hpp, shared with the unit tests, includes doctest
#include "fuzz/driver.hpp"
#include "fuzz/read_input.hpp"

using namespace medlsam;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_input("input.hdr", "input.img", {data, size});
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
      fields.vox_offset = 0;
      fields.magic = version == 2 ? std::string("ni2\0\r\n\x1a\n", 8) : std::string("ni1\0", 4);
      add(nifti_start(fields));  // of a pair
      fields.vox_offset = -1;
      fields.magic.clear();
      add(nifti_file(fields));
      add(gzipped(nifti_file(fields)));
    }
  }
  return seeds;
}
