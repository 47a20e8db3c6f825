#include "base/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace medlsam {
namespace {

struct Unfinished {
  std::mutex mutex;
  std::set<std::string> paths;
};

// Never destroyed: a worker may still be writing while the process runs its exit handlers.
Unfinished& unfinished() {
  static auto* const files = new Unfinished;
  return *files;
}

void remember(const std::string& path) {
  std::lock_guard lock(unfinished().mutex);
  unfinished().paths.insert(path);
}

void forget(const std::string& path) {
  std::lock_guard lock(unfinished().mutex);
  unfinished().paths.erase(path);
}

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw Error(ErrorCode::kWriteFailed, path + ": cannot be written: " + reason + ".");
}

[[noreturn]] void fail(const std::string& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  fail(path, std::generic_category().message(error) +
                 (full ? " (disk full: free some space or write elsewhere)" : ""));
}

// Refuses targets that the user cannot write to, which rename() would replace, even devices, before any work.
void check_target(const std::string& path, const std::filesystem::path& folder) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) fail(path, "it is a folder; name a file in it");
    if (!S_ISREG(status.st_mode)) fail(path, "it is not a regular file");
    if (access(path.c_str(), W_OK) != 0) fail(path, errno);
  } else if (errno != ENOENT) {
    fail(path, errno);
  } else if (stat(folder.c_str(), &status) != 0) {
    fail(path, "the folder " + folder.string() + " does not exist; create it first");
  }
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  const std::filesystem::path target(path_);
  const std::filesystem::path folder = target.has_parent_path() ? target.parent_path() : ".";
  if (!target.has_filename()) fail(path_, "it names no file");
  check_target(path_, folder);
  // Long names are shortened, so that the temporary name fits the file system's limit of 255 bytes.
  std::string start = ".";
  start.append(target.filename().string(), 0, 200).append(".").append(std::to_string(getpid())).append(".");
  static std::atomic<unsigned> counter{0};
  do {
    temporary_ = (folder / (start + std::to_string(counter.fetch_add(1)) + ".tmp")).string();
    descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && (errno == EEXIST || errno == EINTR));
  if (descriptor_ < 0) fail(path_, errno);
  remember(temporary_);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (temporary_.empty()) return;
  unlink(temporary_.c_str());
  forget(temporary_);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      fail(path_, errno);
    }
  }
}

void AtomicFile::commit() {
  if (fsync(descriptor_) != 0) fail(path_, errno);
  // Network file systems report a full disk only here.
  if (close(std::exchange(descriptor_, -1)) != 0) fail(path_, errno);
  if (rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_, errno);
  forget(temporary_);
  temporary_.clear();
}

void remove_unfinished_files() {
  std::lock_guard lock(unfinished().mutex);
  for (const std::string& path : unfinished().paths) unlink(path.c_str());
}

}  // namespace medlsam
