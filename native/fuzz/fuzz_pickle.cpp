#include "base/error.hpp"
#include "checkpoints/pickle.hpp"
#include "checkpoints/zip.hpp"
#include "fuzz/driver.hpp"

using namespace medlsam;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    parse_pickle(std::as_bytes(std::span(data, size)), "fuzz");
  } catch (const Error&) {
  }
  return 0;
}

namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

// The main pickle of each archive, and the five of each pickle stream.
std::vector<std::string> make_seeds(const std::vector<std::string>& files) {
  std::vector<std::string> seeds;
  for (const std::string& file : files) {
    std::span<const std::byte> bytes = std::as_bytes(std::span(file));
    if (file.starts_with("PK")) {
      for (const auto& [name, entry] : read_zip(bytes, "seed")) {
        if (name.ends_with("data.pkl")) seeds.push_back(text_of(entry));
      }
      continue;
    }
    for (int part = 0; part < 5; ++part) {
      const std::size_t size = parse_pickle(bytes, "seed").size;
      seeds.push_back(text_of(bytes.first(size)));
      bytes = bytes.subspan(size);
    }
  }
  return seeds;
}
