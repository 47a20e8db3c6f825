#include "base/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/error.hpp"

namespace medlsam {
namespace {

struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

[[noreturn]] void fail(const std::string& path, int reason) {
  if (reason == ENOENT || reason == ENOTDIR) {
    throw Error(ErrorCode::kFileNotFound, path + ": there is no such file; check the path.");
  }
  throw Error(ErrorCode::kReadFailed,
              path + ": cannot be read: " + std::generic_category().message(reason) + ".");
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path) {
  // O_NONBLOCK: a named pipe without a writer would otherwise block here, before it can be refused.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.value < 0) fail(path, errno);
  struct stat status {};
  if (::fstat(file.value, &status) != 0) fail(path, errno);
  if (S_ISDIR(status.st_mode)) {
    throw Error(ErrorCode::kReadFailed, path + ": is a folder; name a file in it.");
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::kReadFailed, path + ": is not a regular file; copy its content to one.");
  }

  std::shared_ptr<MappedFile> mapped(new MappedFile);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return mapped;
  void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.value, 0);
  if (address == MAP_FAILED) fail(path, errno);
  mapped->data_ = static_cast<const std::byte*>(address);
  mapped->size_ = size;
  return mapped;
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace medlsam
