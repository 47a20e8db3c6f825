// Times of the CUDA plugin's kernels: medians of events on the device, as a table or as JSON.
//   medlsam_cuda_bench build-cuda/medlsam_cuda.so [--device N] [--json]
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "cuda/library.hpp"
#include "cuda/scan/device_scan.hpp"

namespace medlsam::cuda {
namespace {

constexpr int kRepeats = 9;

struct Row {
  std::string work;
  double milliseconds = 0;
  std::string note;
};

void require(cudaError_t error) {
  if (error != cudaSuccess) throw Error(ErrorCode::kDeviceFailed, cudaGetErrorString(error));
}

// Device memory with random values.
class Buffer {
 public:
  explicit Buffer(std::size_t bytes) : bytes_(bytes) { require(cudaMalloc(&data_, bytes)); }
  ~Buffer() { cudaFree(data_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  template <class T>
  void fill(const std::vector<T>& values) {
    const std::size_t each = values.size() * sizeof(T);
    for (std::size_t at = 0; at < bytes_; at += each) {
      void* to = static_cast<char*>(data_) + at;
      require(cudaMemcpy(to, values.data(), std::min(each, bytes_ - at), cudaMemcpyHostToDevice));
    }
  }
  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_;
  void* data_ = nullptr;
};

std::vector<std::uint16_t> random_halves(std::size_t count) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  std::vector<std::uint16_t> values(count);
  for (std::uint16_t& value : values) value = float_to_half(normal(generator));
  return values;
}

class Bench {
 public:
  Bench(const MedlsamCudaTable& table, int device) : table_(table), device_(device), scan_(table, device) {
    require(cudaSetDevice(device));
    require(cudaEventCreate(&begin_));
    require(cudaEventCreate(&end_));
  }

  std::vector<Row> run() {
    copy();
    grid();
    similarity(DType::kF16, 132);
    similarity(DType::kF32, 8);
    slices();
    masks();
    rows_.push_back({"device memory of the session", 0, std::to_string(scan_.memory() >> 20) + " MB"});
    return rows_;
  }

 private:
  // The median of the times that `work` takes in the scan's stream, once it has run.
  double time(const std::function<void()>& work) {
    std::vector<float> times;
    for (int i = 0; i <= kRepeats; ++i) {
      require(cudaEventRecord(begin_, stream()));
      work();
      require(cudaEventRecord(end_, stream()));
      require(cudaEventSynchronize(end_));
      float milliseconds = 0;
      require(cudaEventElapsedTime(&milliseconds, begin_, end_));
      if (i > 0) times.push_back(milliseconds);
    }
    std::ranges::nth_element(times, times.begin() + kRepeats / 2);
    return times[kRepeats / 2];
  }

  cudaStream_t stream() const { return static_cast<cudaStream_t>(scan_.stream()); }

  void add(const std::string& work, double milliseconds, const std::string& note = "") {
    rows_.push_back({work, milliseconds, note});
  }

  // The ceiling of everything that only moves memory.
  void copy() {
    const Buffer from(std::size_t{1} << 30), to(std::size_t{1} << 30);
    const double ms = time([&] {
      require(cudaMemcpyAsync(to.data(), from.data(), to.bytes(), cudaMemcpyDeviceToDevice, stream()));
    });
    char note[64];
    std::snprintf(note, sizeof note, "%.2f TB/s", 2.0 * static_cast<double>(to.bytes()) / ms / 1e9);
    add("copy of 1 GiB on the device", ms, note);
  }

  void grid() {
    volume_.shape = {200, 512, 512};
    volume_.affine = {-0.8, 0, 0, 0, 0, 0.8, 0, 0, 0, 0, 1.5, 0, 0, 0, 0, 1};
    std::vector<std::int16_t> values(volume_.voxels());
    std::mt19937 generator(2);
    for (std::int16_t& value : values)
      value = static_cast<std::int16_t>(static_cast<int>(generator() % 3000) - 1000);
    const auto bytes = std::as_bytes(std::span(values));
    volume_.data.assign(bytes.begin(), bytes.end());
    const Task task{
        .threads = std::thread::hardware_concurrency(), .cancelled = nullptr, .on_progress = nullptr};
    add("scan of 512×512×200 to the device", time([&] {
          volume_.on_gpu.set(nullptr);
          scan_.load(volume_, task);
        }),
        "int16, 105 MB");
    const double ms = time([&] { scan_.make_grid(Conventions::kExact, false, task); });
    const auto start = Clock::now();
    const Grid on_cpu = medlsam::make_grid(volume_, Conventions::kExact, false, task);
    const double cpu = 1e3 * seconds_since(start);
    char note[96];
    std::snprintf(note, sizeof note, "%.0f times the CPU's %.0f ms on %u threads", cpu / ms, cpu,
                  task.threads);
    add("grid of 512×512×200", ms, note);

    std::vector<Index3> centers;
    for (std::int64_t i = 0; i < 132; ++i) {
      Index3 center;
      for (int a = 0; a < 3; ++a) center[a] = (i * (31 + 12 * a)) % on_cpu.shape[a];
      centers.push_back(center);
    }
    const Buffer patches(centers.size() * 64 * 64 * 64 * 2);
    add("132 patches of 64³, float16",
        time([&] { scan_.gather_patches(centers, 64, DType::kF16, patches.data()); }));
  }

  // Points that each have a patch of their own, as the published method has them, eight patches at a time.
  // Three sets of features are used in turn, so that none is in the cache.
  void similarity(DType dtype, int points) {
    constexpr int kChannels = 96, kPatches = 8, kSets = 3;
    std::vector<std::unique_ptr<Buffer>> buffers;
    std::vector<std::vector<DeviceFeatures>> sets(kSets);
    const auto halves = random_halves(std::size_t{1} << 22);
    std::vector<float> floats(halves.size());
    std::transform(halves.begin(), halves.end(), floats.begin(), half_to_float);
    for (auto& set : sets) {
      for (int scale = 0; scale < kScales; ++scale) {
        const int edge = 16 << scale;
        const std::int64_t elements = std::int64_t{kChannels} * edge * edge * edge;
        Buffer& buffer = *buffers.emplace_back(
            std::make_unique<Buffer>(kPatches * elements * static_cast<std::int64_t>(dtype_size(dtype))));
        dtype == DType::kF16 ? buffer.fill(halves) : buffer.fill(floats);
        set.push_back({buffer.data(), dtype, scale, edge, elements, 1, kChannels});
      }
    }
    Templates made(points, kChannels);
    for (int point = 0; point < points; ++point) {
      const float position[3] = {0, 0, 0};
      const float* from = floats.data() + point * 4096;
      made.add(point, position, {from, from, from}, 16);
    }
    const DeviceTemplates templates(table_, device_, made);
    std::vector<DevicePoint> wanted;
    for (int point = 0; point < points; ++point) wanted.push_back({point % kPatches, point, {}});
    const double ms = time([&] {
      for (int at = 0; at < points; at += kPatches) {
        const auto some = std::span(wanted).subspan(at, std::min(kPatches, points - at));
        scan_.find_peaks(templates, sets[at / kPatches % kSets], 64, some);
      }
    });
    const double operations = points * 2.0 * kChannels * (274625.0 * 512 + 35937.0 * 64 + 4913.0 * 8);
    char note[64];
    std::snprintf(note, sizeof note, "%.0f TFLOP/s", operations / ms / 1e9);
    add("similarity of " + std::to_string(points) + " points, " +
            (dtype == DType::kF16 ? "float16" : "float32"),
        ms, note);
  }

  void slices() {
    scan_.set_slices(slice_layout(volume_.affine, volume_.shape), {}, 1024);
    std::vector<std::int64_t> wanted;
    for (std::int64_t i = 0; i < 144; ++i) wanted.push_back(i);
    const Buffer images(wanted.size() * 1024 * 1024 * 2);
    const double ms = time([&] { scan_.prepare_slices(wanted, DType::kF16, images.data()); });
    add("slice of 512² windowed and resized to 1024²", ms / static_cast<double>(wanted.size()),
        "mean of 144");
  }

  void masks() {
    constexpr int kPrompts = 22, kEdge = 256, kSlices = 16;
    // Discs in rows of five, each of which overlaps its neighbors a little.
    std::vector<std::uint16_t> logits;
    for (int i = 0; i < kPrompts * kEdge * kEdge; ++i) {
      const int prompt = i / (kEdge * kEdge);
      const int y = i / kEdge % kEdge - 30 - 48 * (prompt / 5), x = i % kEdge - 30 - 48 * (prompt % 5);
      logits.push_back(float_to_half(static_cast<float>(700 - y * y - x * x) / 100.0F));
    }
    Buffer on_device(logits.size() * 2);
    on_device.fill(logits);
    const DeviceLogits from{on_device.data(), nullptr, DType::kF16, kPrompts, 1, kEdge};
    std::vector<std::size_t> organs(kPrompts);
    std::iota(organs.begin(), organs.end(), std::size_t{0});
    ScanMasks masks(volume_.affine, volume_.shape, kPrompts);
    const Task task{
        .threads = std::thread::hardware_concurrency(), .cancelled = nullptr, .on_progress = nullptr};
    const auto decode = [&](MaskLevels levels) {
      const double ms = time([&] {
        for (int slice = 0; slice < kSlices; ++slice) {
          scan_.begin_masks(slice);
          scan_.decode_masks(from);
          scan_.keep_masks(organs, levels, masks, task);
        }
        scan_.read_masks(masks, task);
      });
      return ms / kSlices;
    };
    add("22 masks of a slice, to the host as bits and ranks", decode(MaskLevels::kRanks),
        "mean of 16 slices");
    add("22 masks of a slice, all levels", decode(MaskLevels::kAll), "mean of 16 slices");
  }

  const MedlsamCudaTable& table_;
  const int device_;
  DeviceScan scan_;
  Volume volume_;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
  std::vector<Row> rows_;
};

void print_table(const MedlsamCudaDevice& device, const MedlsamCudaTable& table,
                 const std::vector<Row>& rows) {
  std::printf("%s, %lld MB, driver for CUDA %s, runtime %s\n\n| work | ms | |\n|---|---|---|\n", device.name,
              static_cast<long long>(device.memory >> 20), version_text(table.driver_version()).c_str(),
              version_text(table.runtime_version).c_str());
  for (const Row& row : rows)
    std::printf("| %s | %.3f | %s |\n", row.work.c_str(), row.milliseconds, row.note.c_str());
}

void print_json(const MedlsamCudaDevice& device, const MedlsamCudaTable& table,
                const std::vector<Row>& rows) {
  std::printf(R"({"device":"%s","driver":"%s","runtime":"%s","rows":[)", device.name,
              version_text(table.driver_version()).c_str(), version_text(table.runtime_version).c_str());
  for (const Row& row : rows) {
    std::printf(R"(%s{"work":"%s","ms":%.4f,"note":"%s"})", &row == rows.data() ? "" : ",", row.work.c_str(),
                row.milliseconds, row.note.c_str());
  }
  std::printf("]}\n");
}

int run(int argc, char** argv) {
  int device = 0;
  bool json = false;
  for (int i = 2; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) json = true;
    if (std::strcmp(argv[i], "--device") == 0 && i + 1 < argc) device = std::atoi(argv[++i]);
  }
  if (argc < 2) {
    std::fprintf(stderr, "usage: medlsam_cuda_bench PLUGIN [--device N] [--json]\n");
    return 2;
  }
  const MedlsamCudaTable& table = load(argv[1]);
  const MedlsamCudaDevice found = devices(table).at(device);
  const std::vector<Row> rows = Bench(table, device).run();
  json ? print_json(found, table, rows) : print_table(found, table, rows);
  return 0;
}

}  // namespace
}  // namespace medlsam::cuda

int main(int argc, char** argv) {
  try {
    return medlsam::cuda::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
