#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace medlsam {

// A file that appears under its name whole or not at all: bytes go to a temporary file next to `path`, and
// commit() flushes and renames it. If it is destroyed without commit(), nothing is left. Not thread-safe.
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

// Deletes the temporary files of all AtomicFiles being written, before a process exits without unwinding
// (Ctrl-C). Later calls of commit() fail. Thread-safe, but not async-signal-safe.
void remove_unfinished_files();

}  // namespace medlsam
