#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace medlsam {

// A whole file mapped read-only. Pages are read as they are touched, so opening a 2 GB file costs nothing.
class MappedFile {
 public:
  // Throws kFileNotFound, kReadFailed (a folder, a pipe, no permission). An empty file maps to no bytes.
  static std::shared_ptr<const MappedFile> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  MappedFile() = default;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace medlsam
