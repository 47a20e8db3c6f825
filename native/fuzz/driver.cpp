// A mutator without a fuzzing engine. It is bounded and repeats its inputs for a seed, so that it can be a
// test and run under any compiler's sanitizers. Usage: fuzz_TARGET [--runs N] [--seed N] [--verbose] FILE… To
// find a run that crashed, use --verbose, which prints each seed; repeat it with --seed SEED --runs 1.
#include "fuzz/driver.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <random>

namespace {

constexpr std::size_t kMaxInput = 2 << 20;
constexpr double kMaxSeconds = 10;  // for one input

struct Options {
  std::uint64_t runs = 10'000, seed = 1;
  bool verbose = false;
  std::vector<std::string> files;  // their content
};

class Mutator {
 public:
  Mutator(std::uint64_t seed, const std::vector<std::string>& seeds) : random_(seed), seeds_(seeds) {}

  std::string next() {
    std::string input = seeds_[below(seeds_.size())];
    for (std::size_t rounds = 1 + below(6); rounds > 0; --rounds) mutate(input);
    input.resize(std::min(input.size(), kMaxInput));
    return input;
  }

 private:
  std::size_t below(std::size_t limit) { return limit ? random_() % limit : 0; }

  // Formats have their structure at the ends of a file, where most mutations go.
  std::size_t place(std::size_t size) {
    constexpr std::size_t kEnd = 4096;
    switch (below(4)) {
      case 0:
        return below(size);
      case 1:
        return size - 1 - below(std::min(size, kEnd));
      default:
        return below(std::min(size, kEnd));
    }
  }

  std::uint64_t interesting() {
    constexpr std::uint64_t kValues[] = {
        0,          1,          2,      4,         8,          0x7f,       0x80,       0xff,
        0x7fff,     0x8000,     0xffff, 0x10000,   0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32,
        1ull << 62, 1ull << 63, ~0ull,  ~0ull - 8, ~0ull >> 1, 352,        348,        540};
    return kValues[below(std::size(kValues))];
  }

  void mutate(std::string& input) {
    if (input.empty()) input.push_back(static_cast<char>(random_()));
    const std::size_t at = place(input.size()), left = input.size() - at;
    switch (below(8)) {
      case 0:
        input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 1:
        input[at] = static_cast<char>(random_());
        break;
      case 2:
      case 3: {
        const std::uint64_t value = interesting();
        std::memcpy(input.data() + at, &value, std::min(left, std::size_t{1} << below(4)));
        break;
      }
      case 4:
        input.erase(at, 1 + below(std::min<std::size_t>(left, 16)));
        break;
      case 5:
        input.insert(at, input.substr(place(input.size()), 1 + below(64)));
        break;
      case 6:
        splice(input, at);
        break;
      default:
        if (below(8) == 0) input.resize(at);
    }
  }

  void splice(std::string& input, std::size_t at) {
    const std::string& other = seeds_[below(seeds_.size())];
    if (other.empty()) return;
    const std::string part = other.substr(place(other.size()), 1 + below(256));
    input.replace(at, std::min(part.size(), input.size() - at), part);
  }

  std::mt19937_64 random_;
  const std::vector<std::string>& seeds_;
};

bool parse_options(int count, char** arguments, Options& options) {
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--verbose") {
      options.verbose = true;
    } else if ((argument == "--runs" || argument == "--seed") && i + 1 < count) {
      (argument == "--runs" ? options.runs : options.seed) = std::strtoull(arguments[++i], nullptr, 10);
    } else {
      std::ifstream file(argument, std::ios::binary);
      if (!file) {
        std::fprintf(stderr, "%s: cannot be read\n", arguments[i]);
        return false;
      }
      options.files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  }
  return true;
}

bool try_one(const std::string& input) {
  // A copy of exactly this size, so that a sanitizer detects a read beyond its end.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  const auto start = std::chrono::steady_clock::now();
  try {
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "an exception the target does not expect: %s\n", error.what());
    return false;
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  if (taken.count() > kMaxSeconds) std::fprintf(stderr, "one input took %.1f s\n", taken.count());
  return taken.count() <= kMaxSeconds;
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  if (!parse_options(count, arguments, options)) return 2;
  const std::vector<std::string> seeds = make_seeds(options.files);
  if (seeds.empty()) {
    std::fprintf(stderr, "no seeds: name files to start from\n");
    return 2;
  }
  for (const std::string& seed : seeds) {
    if (!try_one(seed)) return 1;
  }
  for (std::uint64_t run = 0; run < options.runs; ++run) {
    const std::uint64_t seed = options.seed + run;
    if (options.verbose) std::fprintf(stderr, "seed %llu\n", static_cast<unsigned long long>(seed));
    if (!try_one(Mutator(seed, seeds).next())) {
      std::fprintf(stderr, "seed %llu failed\n", static_cast<unsigned long long>(seed));
      return 1;
    }
  }
  std::printf("%llu runs over %zu seeds\n", static_cast<unsigned long long>(options.runs), seeds.size());
  return 0;
}
