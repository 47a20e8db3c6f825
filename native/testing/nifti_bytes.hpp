// NIfTI files made byte by byte from the format's field offsets, independently of the code under test.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"

namespace medlsam {

using Bytes = std::vector<std::byte>;

struct NiftiFields {
  int version = 1;
  bool swapped = false;  // the other byte order than this machine's
  std::array<std::int64_t, 8> dim{3, 4, 3, 2, 1, 1, 1, 1};
  int datatype = 4;
  std::array<double, 8> pixdim{1, 0.5, 0.75, 1.25, 1, 1, 1, 1};
  double vox_offset = -1;  // negative: right after the extension flag and `extensions`
  double slope = 0, intercept = 0;
  int qform_code = 0, sform_code = 1, xyzt_units = 2;
  std::array<double, 6> quatern{0, 0, 0, 0, 0, 0};
  std::array<double, 12> srow{-0.5, 0, 0, 10, 0, 0.75, 0, -20, 0, 0, 1.25, 30};
  std::string magic{};  // empty: the right one
  std::size_t extensions = 0;
};

template <class T>
void put(Bytes& bytes, std::size_t offset, T value, bool swapped) {
  std::array<std::byte, sizeof(T)> raw;
  std::memcpy(raw.data(), &value, sizeof(T));
  if (swapped) std::reverse(raw.begin(), raw.end());
  std::copy(raw.begin(), raw.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

// The header, the extension flag and `extensions` bytes of 7.
inline Bytes nifti_start(const NiftiFields& f) {
  const bool two = f.version == 2;
  const std::size_t size = two ? 540 : 348;
  Bytes b(size + 4 + f.extensions, std::byte{7});
  std::fill_n(b.begin(), size + 4, std::byte{0});
  const auto real = [&](std::size_t at1, std::size_t at2, std::size_t i, double value) {
    two ? put(b, at2 + 8 * i, value, f.swapped) : put(b, at1 + 4 * i, static_cast<float>(value), f.swapped);
  };
  const auto code = [&](std::size_t at1, std::size_t at2, int value) {
    two ? put(b, at2, static_cast<std::int32_t>(value), f.swapped)
        : put(b, at1, static_cast<std::int16_t>(value), f.swapped);
  };
  put(b, 0, static_cast<std::int32_t>(size), f.swapped);
  for (std::size_t i = 0; i < 8; ++i) {
    two ? put(b, 16 + 8 * i, f.dim[i], f.swapped)
        : put(b, 40 + 2 * i, static_cast<std::int16_t>(f.dim[i]), f.swapped);
    real(76, 104, i, f.pixdim[i]);
  }
  put(b, two ? 12 : 70, static_cast<std::int16_t>(f.datatype), f.swapped);
  const double offset = f.vox_offset < 0 ? static_cast<double>(b.size()) : f.vox_offset;
  two ? put(b, 168, static_cast<std::int64_t>(offset), f.swapped) : real(108, 0, 0, offset);
  real(112, 176, 0, f.slope);
  real(116, 184, 0, f.intercept);
  two ? put(b, 500, static_cast<std::int32_t>(f.xyzt_units), f.swapped)
      : put(b, 123, static_cast<std::uint8_t>(f.xyzt_units), f.swapped);
  code(252, 344, f.qform_code);
  code(254, 348, f.sform_code);
  for (std::size_t i = 0; i < 6; ++i) real(256, 352, i, f.quatern[i]);
  for (std::size_t i = 0; i < 12; ++i) real(280, 400, i, f.srow[i]);
  const std::string right = two ? std::string("n+2\0\r\n\x1a\n", 8) : std::string("n+1\0", 4);
  const std::string& magic = f.magic.empty() ? right : f.magic;
  std::memcpy(b.data() + (two ? 4 : 344), magic.data(), magic.size());
  return b;
}

template <class T>
Bytes nifti_file(const NiftiFields& fields, std::span<const T> values) {
  Bytes file = nifti_start(fields);
  const std::size_t start = file.size();
  file.resize(start + values.size() * sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) put(file, start + i * sizeof(T), values[i], fields.swapped);
  return file;
}

inline Bytes nifti_file(const NiftiFields& fields) {  // 4×3×2 int16 counting up
  std::array<std::int16_t, 24> values;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int16_t>(300 * i);
  return nifti_file<std::int16_t>(fields, values);
}

inline Bytes gzipped(std::span<const std::byte> bytes) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&stream, bytes.size()));
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// A folder of its own for each test, deleted with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    static std::atomic<int> counter{0};
    path_ = std::filesystem::temp_directory_path() /
            ("medlsam-test-" + std::to_string(getpid()) + "-" + std::to_string(counter++));
    std::filesystem::create_directory(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

inline void save(const std::string& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

inline Bytes load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string content(std::istreambuf_iterator<char>(file), {});
  const auto bytes = std::as_bytes(std::span(content));
  return {bytes.begin(), bytes.end()};
}

inline Task cancelled_task() {
  Task task;
  task.cancelled = std::make_shared<Cancellation>(true);
  return task;
}

// "BAD_VOLUME scan.nii: …" of the Error that use() throws, or nothing.
template <class Use>
doctest::String error_of(Use&& use) {
  try {
    use();
  } catch (const Error& error) {
    return doctest::String(error_code_name(error.code())) + " " + error.what();
  }
  return "";
}

}  // namespace medlsam
