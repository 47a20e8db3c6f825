#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace medlsam {

// A file that appears under its name whole or not at all: bytes go to a temporary file beside `path`, and
// commit() flushes and renames it. Destroyed without commit, it leaves nothing. Not thread-safe.
class AtomicFile {
 public:
  explicit AtomicFile(
      std::string path);  // throws kWriteFailed: the reason, and the folder if that is missing
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);  // throws kWriteFailed (disk full among the reasons)
  void commit();                                 // throws kWriteFailed; fsync, then rename

 private:
  std::string path_, temporary_;
  int descriptor_ = -1;
};

// Deletes the temporary files of every AtomicFile still being written, for a process about to exit without
// unwinding (Ctrl-C). A commit() that comes later fails. Thread-safe, but not for use in a signal handler.
void remove_unfinished_files();

}  // namespace medlsam
