#include "base/error.hpp"
#include "checkpoints/int8.hpp"
#include "checkpoints/safetensors.hpp"
#include "fuzz/driver.hpp"

using namespace medlsam;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    Checkpoint checkpoint = parse_safetensors(std::as_bytes(std::span(data, size)), "fuzz");
    unpack_int8(checkpoint, "fuzz");
    for (const auto& [name, tensor] : checkpoint.tensors) {
      std::vector<float> values(tensor.elements());
      to_float32(tensor, values);
    }
  } catch (const Error&) {
  }
  return 0;
}

std::vector<std::string> make_seeds(const std::vector<std::string>& files) {
  std::vector<std::string> seeds = files;
  const std::string header =
      R"({"__metadata__":{"k\u00e9\n":"v"},"w":{"dtype":"F16","shape":[1,4],"data_offsets":[0,8]}})";
  seeds.push_back(std::string(1, static_cast<char>(header.size())) + std::string(7, '\0') + header +
                  "12345678");
  const std::string weights = R"({"w":{"dtype":"I8","shape":[2,2],"data_offsets":[0,4]},)"
                              R"("w.int8_scale":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})";
  seeds.push_back(std::string(1, static_cast<char>(weights.size())) + std::string(7, '\0') + weights +
                  "123456789abc");
  return seeds;
}
