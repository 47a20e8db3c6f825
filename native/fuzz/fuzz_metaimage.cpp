#define DOCTEST_CONFIG_IMPLEMENT  // nifti_bytes.hpp, shared with the unit tests, includes doctest
#include "fuzz/driver.hpp"
#include "fuzz/read_input.hpp"

using namespace medlsam;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_input("input.mha", "input.raw", {data, size});
  return 0;
}

std::vector<std::string> make_seeds(const std::vector<std::string>& files) {
  std::vector<std::string> seeds = files;
  const std::string start = "ObjectType = Image\nNDims = 3\nBinaryData = True\nCompressedData = ";
  const std::string rest =
      "\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = -10 20 30\nElementSpacing = 0.5 0.75 1.25\n"
      "DimSize = 4 3 2\nElementType = MET_SHORT\nElementByteOrderMSB = ";
  const std::string voxels(48, '\1');
  const Bytes gzip = gzipped(Bytes(48, std::byte{2}));
  seeds.push_back(start + "False" + rest + "False\nElementDataFile = LOCAL\n" + voxels);
  seeds.push_back(start + "False" + rest + "True\nHeaderSize = -1\nElementDataFile = input.raw\n");
  seeds.push_back(start + "True" + rest + "True\nElementDataFile = LOCAL\n" +
                  std::string(reinterpret_cast<const char*>(gzip.data()), gzip.size()));
  return seeds;
}
