// Whole PyTorch files, archives and pickle streams, down to their tensors' bytes.
#include "base/error.hpp"
#include "checkpoints/torch_file.hpp"
#include "fuzz/driver.hpp"
#include "testing/checkpoint_bytes.hpp"

using namespace medlsam;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const Checkpoint checkpoint = parse_torch(std::as_bytes(std::span(data, size)), "fuzz");
    for (const auto& [name, tensor] : checkpoint.tensors) {
      std::vector<float> values(tensor.elements());
      to_float32(tensor, values);
    }
  } catch (const Error&) {
  }
  return 0;
}

// Small files besides the given ones, in which most mutations would only change weights.
std::vector<std::string> make_seeds(const std::vector<std::string>& files) {
  using namespace medlsam::test;
  std::vector<std::string> seeds = files;
  const std::string values(24, '\1');
  const std::string w = text("w") + tensor(storage("FloatStorage", "0", 6), 0, {2, 3}, {3, 1});
  const std::string options =
      global("argparse", "Namespace") + ")\x81" + dict(text("rate") + number(1)) + "b";
  const std::string training = dict(text("args") + options + text("model") + dict(w));
  const Files archive = {{"a/data.pkl", pickle(training)}, {"a/byteorder", "little"}, {"a/data/0", values}};
  seeds.push_back(make_zip(archive).bytes);
  seeds.push_back(make_zip(archive, true).bytes);
  const std::string system = dict(text("little_endian") + "\x88");
  const std::string magic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  seeds.push_back(pickle(magic) + pickle(number(1001)) + pickle(system) + pickle(dict(w)) +
                  pickle("](" + text("0") + "e") + raw<std::uint64_t>(6) + values);
  return seeds;
}
